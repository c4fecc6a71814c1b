"""The same where hosts share PostgreSQL: its clock, and a copy of it that was made elsewhere."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection

from tests.hosts.site import Site
from tests.live.served import database_url

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # where this run has prepared no tables and static files
    pytest.mark.skipif(connection.vendor != "postgresql", reason="about PostgreSQL"),
    pytest.mark.both_databases,
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


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Whose database the others are copies of: nothing has run on it yet."""
    template = os.environ.get("TESTS_TEMPLATE")
    execute(f"CREATE DATABASE released{f' TEMPLATE {template}' if template else ''}")
    site = Site(tmp_path_factory.mktemp("released"), DATABASE_URL=url("released"))
    site.release()
    return site


def has_run(released: Site, folder: Path, database: str) -> Site:
    """Return a site that has run before, with trading on."""
    execute(f"CREATE DATABASE {database} TEMPLATE released")
    site = Site(folder, DATABASE_URL=url(database))
    shutil.copytree(released.folder / "static", site.folder / "static")
    site.has_run()
    switch_on(site, database)
    return site


@pytest.fixture
def site(released: Site, tmp_path: Path) -> Iterator[Site]:
    yield has_run(released, tmp_path / "state", "site")
    execute("DROP DATABASE site WITH (FORCE)")


@pytest.fixture(scope="module")
def ahead(released: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a site whose clock is ahead; processes that do not start leave it as it is."""
    site = has_run(released, tmp_path_factory.mktemp("ahead") / "state", "ahead")
    execute(AHEAD, "ahead")
    return site


def switch_on(site: Site, database: str) -> None:
    instance = (site.folder / "instance_id").read_text().strip()
    execute(f"{SWITCH_ON}'{instance}'", database)


def sharing(site: Site, folder: Path) -> Site:
    """Another host, with the same database and keys."""
    names = ("SECRET_KEY", "INSTANCE_ID", "AGENT_SECRETS_KEYS")
    kept = ("secret_key", "instance_id", "agent_secrets_key")
    shared = {n: (site.folder / k).read_text() for n, k in zip(names, kept, strict=True)}
    return Site(folder, **site.settings, **shared)


@pytest.mark.parametrize("process", ["web", "worker", "beat"])
def test_no_process_starts_whose_clock_is_two_minutes_ahead(ahead: Site, process: str) -> None:
    wrong = f"{url('ahead')}&options={quote('-c search_path=wrong,public,pg_catalog')}"
    end = "s ahead of the database's: set both clocks by NTP, then start again."
    assert said(ahead.refusal(process, DATABASE_URL=wrong), "The clock of host ", end)


def test_a_second_host_joins_with_the_same_keys_alone(site: Site, tmp_path: Path) -> None:
    second = sharing(site, tmp_path / "second")
    second.runs("worker")
    for name in ("SECRET_KEY", "INSTANCE_ID", "AGENT_SECRETS_KEYS"):
        begin = f"{name} of this host differs from the one of host "
        end = "set the same on both, or end that host; see docs/operations/hosts.md."
        assert said(second.refusal("worker", **{name: "other"}), begin, end)
    assert switch("site") == (True, "")


def test_a_copy_of_the_database_starts_with_trading_off_once(site: Site, tmp_path: Path) -> None:
    second = sharing(site, tmp_path / "second")
    second.has_run()
    execute("CREATE DATABASE copied TEMPLATE site")
    for host in (site, second):
        host.settings["DATABASE_URL"] = url("copied")
    site.runs()
    is_on, reason = switch("copied")
    assert not is_on
    assert str(reason).startswith("The database was copied or restored: it is not where it was. ")
    switch_on(site, "copied")
    second.runs()
    site.runs()
    assert switch("copied") == (True, "")
