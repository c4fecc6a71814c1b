"""What all other settings are read from."""

from pathlib import Path

from mt5monitor.declared import Group
from mt5monitor.env import Env
from mt5monitor.envfile import read_env
from mt5monitor.secrets import kept_key
from mt5monitor.state_dir import make_private

BASE_DIR = Path(__file__).resolve().parent.parent.parent
ENV_FILE = BASE_DIR / ".env"
SET_IN_FILE = read_env(ENV_FILE)


def reader(group: Group) -> Env:
    """Return the reader of a group of settings; the `.env` file has been read."""
    return Env(group)


env = reader(Group.SITE)
STATE_DIR = Path(
    env.str(
        "STATE_DIR",
        "",
        "Folder for everything the site writes; give it a folder that holds nothing else.",
        kind="path",
        shown="`var/`",
    )
    or BASE_DIR / "var"
).absolute()
make_private(STATE_DIR)
read_env(STATE_DIR / "demo.env")  # what the demo allows itself; see mt5monitor/stack

env = reader(Group.PROCESSES)
DEBUG = env.bool("DEBUG", False, "Django's debug mode, for development only.")

env = reader(Group.KEYS)
SECRET_KEY = env.str(
    "SECRET_KEY", "", "Signs sessions.", shown="made once, kept in `STATE_DIR`"
) or kept_key(STATE_DIR / "secret_key")
# Whether long-running processes refuse to start on a host that is not fit; see mt5monitor/hosts.
CHECKED_AT_START = True
SECRET_KEY_FALLBACKS = env.list(
    "SECRET_KEY_FALLBACKS", [], "Older values of `SECRET_KEY` that are still accepted."
)
AGENT_SECRETS_KEYS = env.list(
    "AGENT_SECRETS_KEYS",
    [],
    "Keys that encrypt the secrets of agents and of second factors, newest first: the first one "
    "encrypts, all of them decrypt.",
    shown="made once, kept in `STATE_DIR`",
) or [kept_key(STATE_DIR / "agent_secrets_key")]
