"""The clock of a host against the database's."""

from collections.abc import Callable

import pytest
from django.db import connection

from mt5monitor import expired
from mt5monitor.hosts import clock, entry, watch
from mt5monitor.hosts.clock import Difference
from mt5monitor.hosts.unfit import Unfit
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.both_databases

postgres = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="with SQLite there is one clock"
)
SetClock = Callable[[int], None]


@pytest.fixture
def set_clock(db: None) -> SetClock:
    """Sets the clock of the database back by so many seconds, for this test."""

    def back(seconds: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "CREATE SCHEMA wrong; CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz "
                f"LANGUAGE sql AS 'SELECT pg_catalog.clock_timestamp() - interval ''{seconds} s''';"
                "SET LOCAL search_path = wrong, public, pg_catalog"
            )

    return back


@pytest.mark.parametrize(
    ("ahead_s", "give_or_take_s", "is_off"),
    [
        (0.0, 0.001, False),
        (0.9, 0.001, False),
        (1.1, 0.001, True),
        (-1.1, 0.001, True),
        (1.1, 0.2, False),  # the answer took so long that it may be right
        (120.0, 2.0, True),
    ],
)
def test_a_clock_is_off_when_even_the_way_of_the_answer_does_not_explain_it(
    ahead_s: float, give_or_take_s: float, is_off: bool
) -> None:
    assert Difference(ahead_s, give_or_take_s).is_off is is_off


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has a clock of its own")
def test_with_sqlite_there_is_nothing_to_compare(db: None) -> None:
    assert clock.check() is None


@postgres
def test_the_clock_of_this_machine_is_that_of_a_database_on_it(db: None) -> None:
    found = clock.check()
    assert found is not None
    assert abs(found.ahead_s) - found.give_or_take_s < 0.1


@postgres
def test_a_host_two_minutes_ahead_does_not_start(set_clock: SetClock) -> None:
    set_clock(120)
    with pytest.raises(Unfit, match=r"^The clock of host \S+ is 1(19\.9|20\.\d) s ahead of the da"):
        clock.check()


@postgres
def test_a_host_behind_does_not_start(set_clock: SetClock) -> None:
    set_clock(-120)
    with pytest.raises(Unfit, match=r"s behind the database's: set both clocks by NTP"):
        clock.check()


@postgres
def test_a_clock_that_goes_wrong_while_a_worker_runs_is_logged_and_shown(
    set_clock: SetClock,
    valkey: PrivateValkey,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(watch, "attend", lambda: "")
    monkeypatch.setattr(entry, "_state", {})
    monkeypatch.setattr(expired, "_unlogged", expired.Counter({"accounts.tasks.poll": 57}))
    monkeypatch.setattr(expired, "_unwritten", expired.Counter({"accounts.tasks.poll": 57}))
    monkeypatch.setattr(expired, "_logged_at", -expired.LOG_EVERY_S)
    set_clock(120)
    entry.look()
    assert entry.counts()["clock_ahead_s"] == pytest.approx(120, abs=1)
    assert "s ahead of the database's: set it by NTP." in entry.counts()["problem"]
    assert entry.counts()["problem"] in caplog.text
    # What the worker threw away because of it, though no task of its own comes through to say so.
    assert "Worker skipped 57 expired tasks: accounts.tasks.poll 57. The clock of" in caplog.text
    with expired.redis.Redis.from_url(valkey.url) as connected:
        assert expired.totals(connected) == {"accounts.tasks.poll": 57}
