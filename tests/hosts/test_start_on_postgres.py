"""The same where hosts share PostgreSQL: its clock, and a copy of it that was made elsewhere."""

from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from tests.hosts.site import Site
from tests.live.served import database_url

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
]

SWITCH_ON = "UPDATE trading_tradingswitch SET is_on = true, reason = '', instance = "
AHEAD = """
    CREATE SCHEMA wrong;
    CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        AS 'SELECT pg_catalog.clock_timestamp() - interval ''120 s''';
"""


def url(name: str) -> str:
    own = connection.settings_dict["NAME"]
    return database_url().replace(f"/{own}?", f"/{name}?")


def execute(command: str, database: str = "postgres") -> list[tuple[object, ...]]:
    with psycopg.connect(url(database), autocommit=True) as connected:
        cursor = connected.execute(command)
        return cursor.fetchall() if cursor.description else []


def switch(database: str) -> tuple[object, ...]:
    (row,) = execute("SELECT is_on, reason FROM trading_tradingswitch", database)
    return row


def said(lines: list[str], begin: str, end: str) -> bool:
    return any(line.startswith(begin) and line.endswith(end) for line in lines)


def test_hosts_on_postgres(tmp_path: Path) -> None:
    """In one test, for the tables take long to make."""
    execute("CREATE DATABASE site")
    site = Site(tmp_path / "state", DATABASE_URL=url("site"))
    site.release()
    site.runs("beat")
    own = site.folder / "instance_id"
    instance = own.read_text().strip()
    switch_on = f"{SWITCH_ON}'{instance}'"
    execute(switch_on, "site")

    execute(AHEAD, "site")
    wrong = f"{url('site')}&options={quote('-c search_path=wrong,public,pg_catalog')}"
    for process in ("worker", "beat", "web"):
        end = "s ahead of the database's: set both clocks by NTP, then start again."
        assert said(site.refusal(process, DATABASE_URL=wrong), "The clock of host ", end)
    site.runs("worker")
    assert switch("site") == (True, "")

    names = ("SECRET_KEY", "INSTANCE_ID", "AGENT_SECRETS_KEYS")
    kept = ("secret_key", "instance_id", "agent_secrets_key")
    shared = {n: (site.folder / k).read_text() for n, k in zip(names, kept, strict=True)}
    second = Site(tmp_path / "second", DATABASE_URL=url("site"), **shared)
    second.runs("worker")
    for name in names:
        begin = f"{name} of this host differs from the one of host "
        end = "set the same on both, or end that host; see README, Several hosts."
        assert said(second.refusal("worker", **{name: "other"}), begin, end)
    assert switch("site") == (True, "")

    execute("CREATE DATABASE copied TEMPLATE site")
    for host in (site, second):
        host.settings["DATABASE_URL"] = url("copied")
    site.runs("beat")
    is_on, reason = switch("copied")
    assert not is_on
    assert str(reason).startswith("The database was copied or restored: it is not where it was. ")
    execute(switch_on, "copied")
    second.runs("beat")
    site.runs("beat")
    assert switch("copied") == (True, "")
