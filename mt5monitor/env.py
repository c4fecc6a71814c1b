"""Typed settings from the environment: a value that is not understood stops the start.

django-environ by itself takes "yess" for no, "5s" for 5, "1e3" for 13, and a value that begins with
$ for the name of another variable, or for nothing where there is none.
"""

import math
from collections.abc import Callable, Sequence
from ipaddress import ip_address, ip_network
from typing import Any, TypeAlias, TypedDict, Unpack
from urllib.parse import parse_qs, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.declared import Group, Setting, declare

TRUE = frozenset(environ.Env.BOOLEAN_TRUE_STRINGS)
FALSE = frozenset({"false", "off", "n", "no", "0"})
REDIS = ("redis", "rediss", "unix")
REDIS_EXAMPLE = "redis://:password@127.0.0.1:6379/0"
DATABASES = {"postgres", "postgresql", "psql", "pgsql", "sqlite"}
SHOWN = 40
NOTSET = environ.Env.NOTSET

# Inside Env, `str` and its like are its readers; in signatures these names stand for the types.
Text: TypeAlias = str
Flag: TypeAlias = bool
Whole: TypeAlias = int
Number: TypeAlias = float
Texts: TypeAlias = list[str]


class About(TypedDict, total=False):
    """What the settings page says of a setting besides its sentence."""

    kind: str
    """What is accepted, where the type does not say it, such as a path."""
    unit: str
    limits: str
    """What is accepted, where that is less than the type allows."""
    shown: str
    """The default in words, where the value would not say it."""


class Env(environ.Env):  # type: ignore[misc] # has no types
    """Readers of settings. Empty is the same as not set.

    A reader that is given `help`, one sentence, declares the setting in the group of this Env; one
    without reads what is declared elsewhere. Every reader raises ImproperlyConfigured, which names
    the setting.
    """

    def __init__(self, group: Group | None = None) -> None:
        super().__init__()
        self._group = group

    def bool(self, var: Text, default: Flag, help: Text = "", **about: Unpack[About]) -> Flag:
        self._declare(var, "on or off", "on" if default else "off", help, about)
        return bool(self.get_value(var, cast=bool, default=default))

    def int(self, var: Text, default: Whole, help: Text = "", **about: Unpack[About]) -> Whole:
        self._declare(var, "whole number", str(default), help, about)
        return int(self.get_value(var, cast=int, default=default))

    def float(self, var: Text, default: Number, help: Text = "", **about: Unpack[About]) -> Number:
        self._declare(var, "number", f"{default:g}", help, about)
        value: Number = self.get_value(var, cast=float, default=default)
        return value

    def str(self, var: Text, default: Text, help: Text = "", **about: Unpack[About]) -> Text:
        self._declare(var, "text", default or "none", help, about)
        return str(self.get_value(var, default=default))

    def list(
        self, var: Text, default: Sequence[Text] = (), help: Text = "", **about: Unpack[About]
    ) -> Texts:
        self._declare(var, "list", ", ".join(default) or "none", help, about)
        return list(self.get_value(var, cast=list, default=default))

    def _declare(self, var: Text, accepts: Text, default: Text, help: Text, about: About) -> None:
        if not (help and self._group):
            return
        accepts = about.get("kind", accepts)
        accepts += f" of {about['unit']}" if "unit" in about else ""
        accepts += f", {about['limits']}" if "limits" in about else ""
        declare(Setting(var, self._group, accepts, about.get("shown", default), help))

    def get_value(
        self, var: Text, cast: Any = None, default: Any = NOTSET, parse_default: Flag = False
    ) -> Any:
        raw = self._raw(var)
        if raw is None:
            return default
        return CASTS[cast](var, raw) if cast in CASTS else raw

    def _raw(self, var: Text) -> Text | None:
        """The text of the setting, or of the variable that it names after a $; None when empty."""
        raw: str = self.ENVIRON.get(var, "")
        if raw.startswith("$"):
            if raw[1:] not in self.ENVIRON:
                raise ImproperlyConfigured(
                    f"{var} begins with $, which stands for another variable, and that one is not "
                    "set. Set it, or choose a value that does not begin with $."
                )
            raw = self.ENVIRON[raw[1:]]
        return raw if raw.strip() else None

    def choice(self, var: Text, default: Text, choices: tuple[Text, ...], help: Text = "") -> Text:
        listed = f"{', '.join(choices[:-1])} or {choices[-1]}"
        self._declare(var, listed, default, help, {})
        value = str(self.get_value(var, default=default)).strip()
        if value not in choices:
            raise ImproperlyConfigured(f"{var} must be {listed}, not {_shown(value)}.")
        return value

    def address(self, var: Text, default: Text, help: Text = "", **about: Unpack[About]) -> Text:
        """The URL of a site."""
        self._declare(var, "URL", default, help, about)
        url = str(self.get_value(var, default=default)).strip()
        try:
            _check_address(url)
        except ValueError as error:
            text = f"{var} must look like https://monitor.example.com, not {_shown(url)}."
            raise ImproperlyConfigured(text) from error
        return url

    def networks(self, var: Text, help: Text = "") -> Sequence[Text]:
        self._declare(var, "list of networks", "none", help, {})
        return self._checked(var, "127.0.0.0/8", lambda entry: ip_network(entry, strict=False))

    def origins(self, var: Text, help: Text = "", **about: Unpack[About]) -> Sequence[Text]:
        self._declare(var, "list of origins", "none", help, about)
        return self._checked(var, "https://other.example.com, without a path", _check_origin)

    def redis(
        self,
        var: Text,
        default: Text,
        help: Text = "",
        *,
        allow_open: Flag = False,
        **about: Unpack[About],
    ) -> Text:
        """A URL, which no error shows: it may hold a password. One that others could read or write
        is refused, unless `allow_open`."""
        self._declare(var, "URL", default, help, about)
        url = str(self.get_value(var, default=default)).strip()
        if url.partition("://")[0] not in REDIS or "://" not in url:
            text = f"{var} must begin with redis://, rediss:// or unix://."
            raise ImproperlyConfigured(f"{text} An example is {REDIS_EXAMPLE}.")
        if not allow_open and (why := _open_to_others(url)):
            raise ImproperlyConfigured(
                f"{var} {why}: whoever can write to Valkey changes what pages show. "
                "ALLOW_OPEN_VALKEY=1 takes it all the same."
            )
        return url

    def _checked(self, var: Text, example: Text, check: Callable[[Text], object]) -> Sequence[Text]:
        """The entries of a list, for each of which `check` raises ValueError when it is wrong."""
        entries: list[str] = self.get_value(var, cast=list, default=[])
        for entry in entries:
            try:
                check(entry)
            except ValueError as error:
                text = f"{var}: {_shown(entry)} is not valid. Write entries such as {example}."
                raise ImproperlyConfigured(text) from error
        return entries

    def database(
        self, var: Text, default: Text, help: Text = "", **about: Unpack[About]
    ) -> dict[Text, Any]:
        """That of a URL, which no error shows: it may hold a password."""
        self._declare(var, "URL", default, help, about)
        url = str(self.get_value(var, default=default)).strip()
        if url.partition(":")[0] not in DATABASES or "://" not in url:
            raise ImproperlyConfigured(
                f"{var} must begin with postgres:// or sqlite:///, such as "
                "postgres://user:password@host/name."
            )
        _check_sqlite(var, url)
        try:
            found: dict[str, Any] = self.db_url_config(url)
            if "@" in urlsplit(url).path and not url.startswith("sqlite"):
                raise ValueError("a part of the password was taken for the host")
        except ValueError:
            # Without its cause, which would show a part of the password in a traceback.
            raise ImproperlyConfigured(
                f"{var} is not a valid URL. Write special characters of its password as %40 for @, "
                "%2F for /, %3A for :, %23 for #, %5B for [."
            ) from None
        if not found["NAME"] and "service" not in found.get("OPTIONS", {}):
            raise ImproperlyConfigured(
                f"{var} names no database. Write its name after the host: "
                "postgres://user:password@host/name."
            )
        return found


def _open_to_others(url: str) -> str:
    """What would keep others out of that Valkey; empty when it is closed."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return f"is not a valid URL, such as {REDIS_EXAMPLE}"
    if parts.scheme == "unix":
        return ""
    asked = parse_qs(parts.query)
    if not (parts.password or asked.get("password")):
        return f"needs a password, such as {REDIS_EXAMPLE}"
    if parts.scheme == "rediss" and asked.get("ssl_cert_reqs", ["required"]) == ["required"]:
        return ""
    if _is_loopback(parts.hostname or "localhost"):
        return ""
    return "must begin with rediss:// and check the certificate of another machine"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_sqlite(var: str, url: str) -> None:
    """With two slashes the first folder would be taken for a host, and dropped."""
    host = url.removeprefix("sqlite://").partition("/")[0]
    if url.startswith("sqlite:") and host not in ("", ":memory:"):
        raise ImproperlyConfigured(
            f"{var} needs three slashes before the path of a file, four before one that begins "
            "with /: sqlite:////srv/mt5monitor.sqlite3."
        )


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(url)
    _ = parts.port  # raises ValueError for a port that cannot be


def _check_origin(entry: str) -> None:
    _check_address(entry)
    if urlsplit(entry)[2:] != ("", "", ""):
        raise ValueError(entry)


def _flag(var: str, raw: str) -> bool:
    value = raw.strip().lower()
    if value not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{var} must be on or off, not {_shown(raw)}.")
    return value in TRUE


def _whole(var: str, raw: str) -> int:
    value = raw.strip()
    if not (value.isascii() and value.isdigit()):
        raise ImproperlyConfigured(f"{var} must be a whole number, 0 or more, not {_shown(raw)}.")
    return int(value)


def _number(var: str, raw: str) -> float:
    try:
        value = float(raw)
    except ValueError:
        value = -1.0
    if not (math.isfinite(value) and value >= 0):
        text = f"{var} must be a number such as 2.5, 0 or more, not {_shown(raw)}."
        raise ImproperlyConfigured(text)
    return value


def _entries(var: str, raw: str) -> list[str]:
    return [entry.strip() for entry in raw.split(",") if entry.strip()]


CASTS: dict[Any, Callable[[str, str], Any]] = {
    bool: _flag,
    int: _whole,
    float: _number,
    list: _entries,
}


def _shown(value: str) -> str:
    return repr(value if len(value) <= SHOWN else f"{value[:SHOWN]}...")
