"""What the environment asks for, checked before anything is started."""

import importlib
import os
import re
import shlex
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from mt5monitor import stack_settings
from mt5monitor.env import Env
from mt5monitor.envfile import read_env
from mt5monitor.stack.refused import Refused
from mt5monitor.state_dir import make_private
from mt5monitor.text import first_line

BASE_DIR = Path(__file__).resolve().parent.parent.parent
LOOPBACK = ("localhost", "::1")


@dataclass(frozen=True, slots=True)
class Environment:
    state_dir: Path
    port: int
    bind: str
    accounts: int
    seed: int
    plain_http: bool

    @property
    def log_dir(self) -> Path:
        return self.state_dir / "log"

    def manage(self, command: str) -> str:
        """How to give a command of manage.py on this STATE_DIR, for a shell."""
        words = [sys.executable, str(BASE_DIR / "manage.py"), command]
        if self.state_dir != BASE_DIR / "var":
            words = ["env", f"STATE_DIR={self.state_dir}", *words]
        return shlex.join(words)

    def no_user_yet(self) -> str:
        return f"No user yet. Make one: {self.manage('createsuperuser')}"


def read_environment() -> Environment:
    """From the environment and the `.env` file beside manage.py. Raises Refused."""
    env = Env()
    try:
        read_env(BASE_DIR / ".env")
        return Environment(
            state_dir=Path(env.str("STATE_DIR", "") or BASE_DIR / "var").absolute(),
            port=_number("PORT", 8000, 1, 65535),
            bind=env.str("BIND", "") or "127.0.0.1",
            accounts=_number("ACCOUNTS", *stack_settings.ACCOUNTS),
            seed=_number("SEED", *stack_settings.SEED),
            plain_http=env.bool("ALLOW_PLAIN_HTTP", False),
        )
    except ImproperlyConfigured as error:
        raise Refused(f"{error}") from error


def _number(name: str, default: int, least: int, most: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        raise Refused(f"{name} must be a whole number from {least} to {most}, not {text!r}.")
    return int(text)


def check_plain_http(environment: Environment, public_url: str) -> None:
    """Passwords travel over plain HTTP on loopback only, unless a setting says otherwise."""
    if environment.plain_http:
        return
    if not is_loopback(environment.bind):
        raise Refused(
            f"BIND={environment.bind} would answer plain HTTP to other machines: keep 127.0.0.1 "
            "and put a TLS proxy in front (PUBLIC_URL=https://...), or set ALLOW_PLAIN_HTTP=1."
        )
    public = urlsplit(public_url)
    if public.scheme != "https" and not is_loopback(public.hostname or ""):
        raise Refused(
            f"PUBLIC_URL={public_url} is plain HTTP: use https:// with a TLS proxy in front, "
            "or set ALLOW_PLAIN_HTTP=1."
        )


def is_loopback(host: str) -> bool:
    return host.strip("[]") in LOOPBACK or host.startswith("127.")


def check_state_dir(state_dir: Path) -> None:
    """Make it, for its owner alone. Raises Refused when it cannot be written or closed."""
    try:
        make_private(state_dir)
        state_dir.mkdir(parents=True, exist_ok=True)
        (state_dir / "log").mkdir(exist_ok=True)
        with tempfile.TemporaryFile(dir=state_dir):
            pass
    except ImproperlyConfigured as error:
        raise Refused(f"{error}") from error
    except OSError as error:
        raise Refused(
            f"Cannot write to {state_dir}: {error.strerror}. "
            "Set STATE_DIR to a folder that can be written."
        ) from error


def check_port(bind: str, port: int) -> None:
    """Raises Refused when nobody could listen there. Whoever listens later may still be first."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(bind, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise Refused(
            f"Cannot listen on {bind} port {port}: {(error.strerror or str(error)).lower()}. "
            f"Free it, or choose another: PORT={port + 1 if port < 65535 else 8000}."
        ) from error


@dataclass(frozen=True, slots=True)
class Site:
    """The settings of the site that the supervisor needs; read without starting Django."""

    public_url: str
    redis_url: str
    own_valkey: bool
    valkey_socket: Path
    behind_tls: bool
    unknown_names: tuple[str, ...] = ()
    keeps_log: bool = True  # the operations log

    @property
    def shown_redis_url(self) -> str:
        """Without the password that it may hold."""
        return re.sub(r"//[^@/]*@", "//...@", self.redis_url)


def read_site() -> Site:
    """Raises Refused for settings that make no sense. Makes the keys kept in STATE_DIR."""
    try:
        settings = importlib.import_module("mt5monitor.settings")
    except (ImproperlyConfigured, ValueError) as error:
        raise Refused(first_line(error)) from error
    return Site(
        public_url=settings.PUBLIC_URL,
        redis_url=settings.REDIS_URL,
        own_valkey=not os.environ.get("REDIS_URL"),
        valkey_socket=settings.VALKEY_SOCKET,
        behind_tls=settings.SECURE,
        unknown_names=tuple(settings.UNKNOWN_IN_FILE),
        keeps_log=settings.OPERATIONS_LINES > 0,
    )
