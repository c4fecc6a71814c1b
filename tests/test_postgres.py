"""Connections to PostgreSQL: what is asked of each, and that the server keeps to it."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connection, transaction

from accounts.models import Agent
from mt5monitor import postgres
from mt5monitor.database import FAULTS, reconnect, unhurried
from mt5monitor.postgres import Limits
from tests.factories import make_agent
from tests.locks import OFF, session
from tests.test_settings import settings
from tests.waiting import eventually

pytestmark = pytest.mark.both_databases

URL = "postgres://user:secret@db.example.com/desk"


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGOPTIONS", "PGCONNECT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


def test_every_connection_has_a_limit_for_each_wait() -> None:
    found = postgres.options({}, Limits())
    assert found["connect_timeout"] == 5
    assert (found["keepalives"], found["tcp_user_timeout"]) == (1, 15_000)
    for switch in (
        "-c statement_timeout=30000",
        "-c lock_timeout=5000",
        "-c idle_in_transaction_session_timeout=10000",
        "-c tcp_user_timeout=15000",
        "-c tcp_keepalives_idle=10",
    ):
        assert switch in found["options"]


def test_what_the_url_asks_for_wins_and_the_rest_stays() -> None:
    given = {"connect_timeout": 2, "keepalives_idle": 60, "options": "-c lock_timeout=9s -c x.y=1"}
    found = postgres.options(given, Limits())
    assert (found["connect_timeout"], found["keepalives_idle"]) == (2, 60)
    assert found["options"].endswith("-c lock_timeout=9s -c x.y=1")
    assert "-c statement_timeout=30000" in found["options"]


def test_variables_of_libpq_count_as_what_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c lock_timeout=9s")
    monkeypatch.setenv("PGCONNECT_TIMEOUT", "7")
    found = postgres.options({}, Limits())
    assert found["options"].endswith("-c lock_timeout=9s")
    assert "connect_timeout" not in found


def test_without_limits_nothing_is_asked_of_the_server() -> None:
    """A pooler such as PgBouncer refuses connections that ask for any."""
    found = postgres.options({}, OFF)
    assert "options" not in found
    assert "connect_timeout" not in found


def test_libpq_takes_no_less_than_two_seconds_to_connect() -> None:
    assert postgres.options({}, Limits(connect=0.5))["connect_timeout"] == 2


def test_the_settings_reach_the_connection(tmp_path: Any) -> None:
    url = f"{URL}?connect_timeout=3&options=-c%20lock_timeout%3D9s"
    (options,) = settings(tmp_path, "DATABASES", DATABASE_URL=url, DATABASE_IDLE_S="4.5").values()
    found = options["default"]["OPTIONS"]
    assert found["connect_timeout"] == 3
    assert "-c idle_in_transaction_session_timeout=4500" in found["options"]
    assert found["options"].endswith("-c lock_timeout=9s")


def test_sqlite_is_given_no_options_of_postgresql(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'desk.sqlite3'}"
    (options,) = settings(tmp_path, "DATABASES", DATABASE_URL=url).values()
    assert options["default"]["OPTIONS"].keys() == {"transaction_mode", "timeout", "init_command"}


# --- what the server does ---------------------------------------------------------------------
on_postgres = pytest.mark.skipif(connection.vendor != "postgresql", reason="limits of PostgreSQL")


@pytest.fixture
def agent(transactional_db: None) -> Agent:
    return make_agent(name="a1")


@pytest.fixture
def held(agent: Agent) -> Iterator[psycopg.Connection[Any]]:
    """Another host's session, which holds the agent's row inside a transaction and says nothing."""
    with session(Limits(idle=0.5)) as other:
        other.execute("UPDATE accounts_agent SET failures = 7 WHERE id = %s", [agent.pk])
        yield other


@on_postgres
def test_a_session_that_is_idle_in_a_transaction_is_ended_with_its_locks(
    agent: Agent, held: psycopg.Connection[Any]
) -> None:
    Agent.objects.filter(pk=agent.pk).update(failures=1)  # waits for the end of the other
    agent.refresh_from_db()
    assert agent.failures == 1
    with pytest.raises(psycopg.errors.IdleInTransactionSessionTimeout):
        held.execute("SELECT 1")


@on_postgres
def test_an_aborted_transaction_is_ended_likewise(agent: Agent) -> None:
    with session(Limits(idle=0.5)) as other:
        other.execute("SELECT 1 FROM accounts_agent FOR UPDATE")
        with pytest.raises(psycopg.errors.DivisionByZero):
            other.execute("SELECT 1 / 0")
        assert eventually(lambda: is_free(agent))


def is_free(agent: Agent) -> bool:
    with transaction.atomic():
        return Agent.objects.select_for_update(skip_locked=True).filter(pk=agent.pk).exists()


@on_postgres
def test_a_lock_and_a_statement_are_waited_for_no_longer_than_the_limits(
    agent: Agent, held: psycopg.Connection[Any]
) -> None:
    with session(Limits(lock=0.1)) as other, pytest.raises(psycopg.errors.LockNotAvailable):
        other.execute("UPDATE accounts_agent SET failures = 2")
    with session(Limits(statement=0.1)) as other, pytest.raises(psycopg.errors.QueryCanceled):
        other.execute("SELECT pg_sleep(60)")


@on_postgres
def test_after_its_session_was_ended_a_thread_goes_on_with_another(agent: Agent) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET idle_in_transaction_session_timeout = '100ms'")
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()

    def write() -> None:
        with transaction.atomic():
            Agent.objects.filter(pk=agent.pk).update(failures=3)
            with session() as other:
                other.autocommit = True
                assert eventually(lambda: not is_running(other, pid))
            Agent.objects.filter(pk=agent.pk).update(failures=4)

    with pytest.raises(FAULTS):
        write()
    reconnect()
    agent.refresh_from_db()
    assert agent.failures == 0


def is_running(other: psycopg.Connection[Any], pid: int) -> bool:
    found = other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", [pid])
    return found.fetchone() is not None


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_what_takes_long_has_limits_of_its_own_and_only_while_it_runs() -> None:
    before = limits()
    with unhurried():
        assert limits() == ["0", "1min", "1min"]
    assert limits() == before == ["30s", "5s", "10s"]
    with pytest.raises(ZeroDivisionError), unhurried():
        raise ZeroDivisionError
    assert limits() == before


def limits() -> list[str]:
    found = []
    with connection.cursor() as cursor:
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
            cursor.execute(f"SHOW {name}")
            found.append(cursor.fetchone()[0])
    return found


@on_postgres
@pytest.mark.django_db(transaction=True)
def test_migrations_run_without_a_limit_for_a_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    name = "django.core.management.commands.migrate.Command.handle"
    monkeypatch.setattr(name, lambda *_, **__: seen.extend(limits()))
    call_command("migrate", verbosity=0)
    assert seen[0] == "0"
