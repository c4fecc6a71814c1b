"""What all other settings are read from."""

from pathlib import Path

from mt5monitor.env import Env
from mt5monitor.envfile import read_env
from mt5monitor.secrets import kept_key
from mt5monitor.state_dir import make_private

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENV_FILE = BASE_DIR / ".env"
env = Env()
SET_IN_FILE = read_env(ENV_FILE)

STATE_DIR = Path(env.str("STATE_DIR", "") or BASE_DIR / "var").absolute()
make_private(STATE_DIR)
read_env(STATE_DIR / "demo.env")  # what the demo allows itself; see mt5monitor/stack
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or kept_key(STATE_DIR / "secret_key")
# Whether long-running processes refuse to start on a host that is not fit; see mt5monitor/hosts.
CHECKED_AT_START = True
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Encrypts the agents' secrets in the database; the first key encrypts, all of them decrypt.
AGENT_SECRETS_KEYS = env.list("AGENT_SECRETS_KEYS", default=[]) or [
    kept_key(STATE_DIR / "agent_secrets_key")
]
