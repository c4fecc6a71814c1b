"""A database that is away at the start: a server is waited for, for it may be starting too."""

from types import SimpleNamespace

import pytest
from django.db import OperationalError

from mt5monitor.hosts import entry
from mt5monitor.hosts.unfit import Unfit
from mt5monitor.stack import prepare


class Away:
    """A database that can be connected to from the third try on."""

    def __init__(self, vendor: str) -> None:
        self.vendor, self.tries = vendor, 0

    def ensure_connection(self) -> None:
        self.tries += 1
        if self.tries < 3:
            raise OperationalError("connection refused\nIs the server running?")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "LOOK_AGAIN_S", 0)


def test_a_server_that_starts_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    away = Away("postgresql")
    monkeypatch.setattr(entry, "connection", away)
    entry.await_database()
    assert away.tries == 3


def test_a_server_that_never_answers_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entry, "connection", Away("postgresql"))
    monkeypatch.setattr(entry, "DATABASE_STARTS_S", -1)
    with pytest.raises(Unfit, match=r"^The database does not answer: connection refused\.$"):
        entry.await_database()


def test_a_file_that_cannot_be_opened_ends_the_start_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = Away("sqlite")
    monkeypatch.setattr(entry, "connection", away)
    with pytest.raises(Unfit):
        entry.await_database()
    assert away.tries == 1


def test_what_prepares_the_start_of_all_others_waits_as_they_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`make run` would end where a machine starts PostgreSQL at the same moment."""

    def never() -> None:
        raise Unfit("The database does not answer: connection refused.")

    monkeypatch.setattr(prepare, "await_database", never)
    monkeypatch.setattr(prepare, "parse", lambda: SimpleNamespace(dress=None, demo=False))
    assert prepare.main() == prepare.FAILED
    assert capsys.readouterr().out == "The database does not answer: connection refused.\n"
