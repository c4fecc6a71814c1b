from pathlib import Path

import pytest

from mt5monitor.stack.environment import (
    Environment,
    Site,
    check_plain_http,
    check_state_dir,
    read_environment,
)
from mt5monitor.stack.refused import Refused

LOOPBACK_URL = "http://127.0.0.1:8000"


def environment(**changed: object) -> Environment:
    values = {"port": 8000, "bind": "127.0.0.1", "accounts": 69, "seed": 1, "plain_http": False}
    return Environment(state_dir=Path("state"), **{**values, **changed})  # type: ignore[arg-type]


@pytest.mark.parametrize(("name", "text"), [("PORT", "80x"), ("PORT", "0"), ("ACCOUNTS", "-1")])
def test_a_setting_that_is_no_number_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(Refused, match=f"{name} must be a whole number from 1 to"):
        read_environment()


def test_an_empty_setting_is_one_that_was_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "")
    assert read_environment().port == 8000


@pytest.mark.parametrize("bind", ["0.0.0.0", "192.168.1.7", "::"])  # noqa: S104
def test_plain_http_is_answered_on_loopback_only(bind: str) -> None:
    with pytest.raises(Refused, match="would answer plain HTTP to other machines"):
        check_plain_http(environment(bind=bind), "https://monitor.example.com")
    check_plain_http(environment(bind=bind, plain_http=True), "https://monitor.example.com")


def test_a_public_address_without_tls_is_refused_unless_a_setting_allows_it() -> None:
    with pytest.raises(Refused, match="is plain HTTP"):
        check_plain_http(environment(), "http://monitor.example.com")
    check_plain_http(environment(plain_http=True), "http://monitor.example.com")


@pytest.mark.parametrize("url", [LOOPBACK_URL, "http://[::1]:8000", "https://monitor.example.com"])
def test_loopback_and_tls_need_no_setting(url: str) -> None:
    check_plain_http(environment(), url)


def test_a_database_that_all_could_read_is_closed(tmp_path: Path) -> None:
    database = tmp_path / "mt5monitor.sqlite3"
    database.touch(mode=0o644)
    check_state_dir(tmp_path)
    assert database.stat().st_mode & 0o077 == 0


def test_what_is_shown_of_a_broker_does_not_hold_its_password() -> None:
    site = Site(LOOPBACK_URL, "redis://user:secret@db:6379/0", False, Path("x"), False)
    assert site.shown_redis_url == "redis://...@db:6379/0"
