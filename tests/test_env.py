"""The value of a setting is understood, or the start stops with a sentence that names it."""

import traceback
from collections.abc import Callable
from typing import Any

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from mt5monitor.env import Env

Read = Callable[[Env], Any]


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment, empty at first."""
    found: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", found)
    return found


KINDS: dict[str, Read] = {
    "flag": lambda env: env.bool("NAME", True),
    "whole": lambda env: env.int("NAME", 7),
    "number": lambda env: env.float("NAME", 2.5),
    "text": lambda env: env.str("NAME", "default"),
    "list": lambda env: env.list("NAME", default=[]),
    "choice": lambda env: env.choice("NAME", "a", ("a", "b")),
    "networks": lambda env: env.networks("NAME"),
    "origins": lambda env: env.origins("NAME"),
    "address": lambda env: env.address("NAME", "http://127.0.0.1:8000"),
    "redis": lambda env: env.redis("NAME", "unix:///run/valkey.sock"),
    "database": lambda env: env.database("NAME", "sqlite:////srv/x.sqlite3")["NAME"],
}


@pytest.mark.parametrize("value", [None, "", "  "])
@pytest.mark.parametrize(
    ("kind", "default"),
    [
        ("flag", True),
        ("whole", 7),
        ("number", 2.5),
        ("text", "default"),
        ("list", []),
        ("choice", "a"),
        ("networks", []),
        ("origins", []),
        ("address", "http://127.0.0.1:8000"),
        ("redis", "unix:///run/valkey.sock"),
        ("database", "/srv/x.sqlite3"),
    ],
)
def test_an_empty_setting_is_one_that_was_not_given(
    variables: dict[str, str], value: str | None, kind: str, default: object
) -> None:
    if value is not None:
        variables["NAME"] = value
    assert KINDS[kind](Env()) == default


@pytest.mark.parametrize(
    ("kind", "value", "meaning"),
    [
        *[("flag", text, True) for text in ("1", "yes", "On", "TRUE", "y", "ok")],
        *[("flag", text, False) for text in ("0", "no", "Off", "false ", "n")],
        ("whole", "0", 0),
        ("whole", " 9000 ", 9000),
        ("number", "2", 2.0),
        ("number", "0.5", 0.5),
        ("number", "1e3", 1000.0),
        ("text", "a b", "a b"),
        ("list", "a, b,,c ", ["a", "b", "c"]),
        ("choice", "b", "b"),
        ("networks", "127.0.0.0/8, ::1/128", ["127.0.0.0/8", "::1/128"]),
        ("origins", "https://a.example.com:8443", ["https://a.example.com:8443"]),
        ("address", "https://monitor.example.com/", "https://monitor.example.com/"),
        ("redis", "rediss://u:p@host:6380/1", "rediss://u:p@host:6380/1"),
        ("redis", "redis://:p@127.0.0.1/0", "redis://:p@127.0.0.1/0"),
        ("redis", "redis://:p@[::1]:6379/0", "redis://:p@[::1]:6379/0"),
        ("redis", "redis://localhost/0?password=p", "redis://localhost/0?password=p"),
        ("redis", "unix:///run/valkey.sock", "unix:///run/valkey.sock"),
        ("database", "postgres://user:p%40ss@host:5432/name", "name"),
        ("database", "postgresql:///name?service=x", "name"),
        ("database", "sqlite:///relative.sqlite3", "relative.sqlite3"),
        ("database", "sqlite://:memory:", ":memory:"),
    ],
)
def test_a_value_is_understood(
    variables: dict[str, str], kind: str, value: str, meaning: object
) -> None:
    variables["NAME"] = value
    assert KINDS[kind](Env()) == meaning


@pytest.mark.parametrize(
    ("kind", "value", "why"),
    [
        *[("flag", text, "must be on or off, not ") for text in ("yess", "2", "1 # on", "si")],
        *[
            ("whole", text, "must be a whole number, 0 or more, not ")
            for text in ("abc", "80x", "-1", "1.5", "1_0", "٣")
        ],
        *[
            ("number", text, "must be a number such as 2.5, 0 or more, not ")
            for text in ("5s", "2 min", "nan", "inf", "-1", "2,5", "abc")
        ],
        ("choice", "c", "must be a or b, not 'c'"),
        ("networks", "127.0.0.0/8,127.0.0.0/99", "'127.0.0.0/99' is not valid"),
        ("origins", "example.com", "'example.com' is not valid"),
        ("origins", "https://example.com/", "is not valid. Write entries such as https://other"),
        ("origins", "https://example.com:x", "is not valid"),
        ("address", "monitor.example.com", "must look like https://monitor.example.com"),
        ("address", "https://monitor.example.com:x", "must look like https://monitor"),
        ("redis", "127.0.0.1:6379", "must begin with redis://"),
        *[
            ("redis", url, "NAME needs a password, such as redis://:password@127.0.0.1")
            for url in ("redis://127.0.0.1:6379/0", "rediss://host:6380", "redis://user@localhost")
        ],
        ("redis", "redis://:secret@[x/0", "is not a valid URL"),
        *[
            ("redis", url, "NAME must begin with rediss:// and check the certificate")
            for url in (
                "redis://:secret@host:6379",
                "redis://:secret@10.0.0.5/0",
                "rediss://:secret@host?ssl_cert_reqs=none",
                "rediss://:secret@host?ssl_cert_reqs=optional",
            )
        ],
        ("database", "mariadb://u:secret@host/name", "must begin with postgres:// or sqlite:///"),
        ("database", "secret", "must begin with postgres://"),
        ("database", "postgres://u:secret/x@host/name", "is not a valid URL. Write special"),
        ("database", "postgres://u:12/secret@host/name", "is not a valid URL. Write special"),
        ("database", "postgres://u:p@12/secret@host/name", "is not a valid URL. Write special"),
        ("database", "postgres://u:secret[x@host/name", "is not a valid URL. Write special"),
        ("database", "postgres://u:secret@host", "names no database"),
        ("database", "sqlite://var/x.sqlite3", "needs three slashes"),
    ],
)
def test_a_value_that_is_not_understood_stops_the_start(
    variables: dict[str, str], kind: str, value: str, why: str
) -> None:
    variables["NAME"] = value
    with pytest.raises(ImproperlyConfigured) as stopped:
        KINDS[kind](Env())
    assert f"{stopped.value}".startswith("NAME")
    assert why in f"{stopped.value}"
    # As it stands in the log of a server that does not start, with what it came from.
    traced = traceback.TracebackException.from_exception(stopped.value)
    told = [f"{traced}", f"{traced.__cause__}"]
    told += [] if traced.__suppress_context__ else [f"{traced.__context__}"]
    assert "secret" not in " ".join(told)


def test_an_open_valkey_is_taken_where_a_setting_says_so(variables: dict[str, str]) -> None:
    for url in ("redis://127.0.0.1:6379/0", "redis://:p@host:6379"):
        variables["NAME"] = url
        assert Env().redis("NAME", "", allow_open=True) == url


def test_a_value_may_name_another_variable_that_is_set(variables: dict[str, str]) -> None:
    variables |= {"NAME": "$OTHER", "OTHER": "9000"}
    assert Env().int("NAME", 7) == 9000


def test_a_value_that_names_a_variable_that_is_not_set_is_no_default(
    variables: dict[str, str],
) -> None:
    variables["NAME"] = "$ecret"
    with pytest.raises(ImproperlyConfigured, match="NAME begins with \\$") as stopped:
        Env().str("NAME", "")
    assert "ecret" not in f"{stopped.value}"
