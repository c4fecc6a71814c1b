"""A host that is lost inside a transaction does not stop the fleet: PostgreSQL ends its session."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from operator import sub
from pathlib import Path

import pytest
from django.conf import settings

from tests import prepared
from tests.namespaces import Host, another_host
from tests.postgres import PrivatePostgres
from tests.scripted_fleet import ScriptedFleet, told
from tests.waiting import eventually

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("valkey")]
IDLE_S = 2


@pytest.fixture
def host() -> Iterator[Host]:
    with another_host() as host:
        yield host


@pytest.fixture
def database(host: Host) -> Iterator[str]:
    """The URL of a database that both hosts reach, with the site's tables."""
    folder = Path(tempfile.mkdtemp(prefix="mt5-pg-", dir="/tmp"))  # noqa: S108 - a short name
    folder.chmod(0o755)
    server = PrivatePostgres(folder / "s")
    try:
        server.start(host.gateway)
        prepared.prepare(folder / "prepared", server.make("desk"))
        yield f"postgres://postgres@{host.gateway}/desk"
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def environment(database: str, tmp_path: Path) -> dict[str, str]:
    own = {key: value for key, value in os.environ.items() if key not in prepared.OURS}
    own.pop("DJANGO_SETTINGS_MODULE", None)
    often = {f"POLL_{level}_S": "0.5" for level in ("ACTIVE", "STANDARD", "INACTIVE", "IDLE")}
    return {
        **own,
        **often,
        "DATABASE_URL": database,
        "DATABASE_IDLE_S": str(IDLE_S),
        "REDIS_URL": settings.REDIS_URL,
        "STATE_DIR": str(tmp_path / "state"),
        "AGENT_ALLOWED_NETWORKS": "127.0.0.0/8",
    }


@pytest.fixture
def fleet() -> Iterator[ScriptedFleet]:
    with ScriptedFleet() as fleet:
        fleet.replies = {n: told(n) for n in (1, 2, 3)}
        yield fleet


def test_the_fleet_is_polled_again_once_the_session_of_a_lost_host_has_ended(
    host: Host, fleet: ScriptedFleet, environment: dict[str, str], tmp_path: Path
) -> None:
    make_agents(fleet, environment, tmp_path)
    argv = [sys.executable, "manage.py", "poll_agents"]
    polling = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL)
    try:
        assert eventually(lambda: all(asked(fleet)))
        hold_and_lose(host, environment)
        # Two more than those that may have been on their way when the rows were taken.
        before = asked(fleet)
        assert eventually(lambda: min(map(sub, asked(fleet), before)) > 2)
    finally:
        polling.kill()
        polling.wait()


def make_agents(fleet: ScriptedFleet, environment: dict[str, str], folder: Path) -> None:
    agents = ", ".join(f'{{"name": "vps-{n}", "url": "{fleet.url(n)}"}}' for n in (1, 2, 3))
    (folder / "agents.json").write_text(f"[{agents}]")
    argv = [sys.executable, "manage.py", "import_agents", str(folder / "agents.json")]
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)


def hold_and_lose(host: Host, environment: dict[str, str]) -> None:
    """The other host holds the rows of all agents, and is lost without a word."""
    argv = [sys.executable, "-m", "tests.holder"]
    # It gets no further than the database, so Valkey is none of its concern.
    holder = host.start(argv, env=environment, stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held 3\n"
    host.lose()
    holder.stdout.close()


def asked(fleet: ScriptedFleet) -> list[int]:
    return [fleet.asked[n, "GET /accounts"] for n in (1, 2, 3)]
