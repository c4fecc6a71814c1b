"""What the processes of a Procfile do on a host that is not fit, or that was restored."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection

from mt5monitor.hosts import mark
from tests.hosts.site import Site

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(600),  # where this run has prepared no tables and static files
    pytest.mark.skipif(connection.vendor != "sqlite", reason="its own folder and database"),
]

ON = (True, "")
WHAT_TO_DO = "Compare positions and orders with the terminals, then switch trading on again."


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    site = Site(tmp_path_factory.mktemp("released"))
    site.release()
    return site


def has_run(released: Site, folder: Path) -> Site:
    """Return a site that has run before, with trading on."""
    site = Site(folder)
    site.like(released)
    site.has_run()
    site.switch_on()
    return site


@pytest.fixture
def site(released: Site, tmp_path: Path) -> Site:
    return has_run(released, tmp_path / "state")


@pytest.fixture(scope="module")
def refusing(released: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Return a site for processes that do not start: they leave it as it is for the next one."""
    return has_run(released, tmp_path_factory.mktemp("refusing") / "state")


@pytest.mark.parametrize("process", ["web", "worker", "worker-unreachable", "beat"])
def test_no_process_starts_with_another_key(refusing: Site, process: str) -> None:
    sentence = (
        "SECRET_KEY is not the one that this site has used until now: restore it, add the old one "
        "to SECRET_KEY_FALLBACKS, or accept the new one with `manage.py accept_keys`; "
        "see docs/operations/hosts.md."
    )
    assert sentence in refusing.refusal(process, SECRET_KEY="a key that nobody knows")
    assert refusing.switch() == ON


def test_no_web_process_starts_without_static_files(site: Site) -> None:
    shutil.rmtree(site.folder / "static")
    *_, refused = site.refusal("web")  # the line before says that Valkey does not answer yet
    assert refused.startswith(f"Static files are missing in {site.folder / 'static'}, such as ")
    assert refused.endswith(": run `manage.py collectstatic --noinput` first.")
    site.runs("worker")


def test_no_process_starts_without_tables(tmp_path: Path) -> None:
    site = Site(tmp_path / "state")
    sentence = "The database cannot be used: no such table: hosts_host."
    assert f"{sentence} Run `manage.py migrate` first." in site.refusal("beat")


def test_a_host_that_is_fit_starts_again_with_trading_on(site: Site) -> None:
    for process in ("web", "worker", "beat"):
        site.runs(process)
    site.folder = site.folder.rename(site.folder.with_name("moved"))
    site.runs()
    assert site.switch() == ON


def copied(site: Site) -> None:
    site.folder = site.back_up()


def restored_in_place(site: Site) -> None:
    backup = site.back_up()
    site.has_run()
    shutil.copytree(backup, site.folder, dirs_exist_ok=True)


def only_its_database(site: Site) -> None:
    backup = site.back_up()
    site.has_run()
    for path in site.folder.glob(f"{site.database.name}-*"):
        path.unlink()
    for path in backup.glob(f"{site.database.name}*"):
        shutil.copy2(path, site.folder)


def database_brought_here(site: Site) -> None:
    """With its keys, into a folder that is made anew."""
    backup = site.back_up()
    site.folder = site.folder.with_name("new")
    site.folder.mkdir()
    for path in backup.iterdir():
        if path.is_file() and path.name not in (mark.NAME, mark.LOCK):
            shutil.copy2(path, site.folder)


RESTORED: list[tuple[Callable[[Site], None], str]] = [
    (copied, "STATE_DIR was copied or restored from a backup"),
    (restored_in_place, "STATE_DIR was copied or restored from a backup"),
    (only_its_database, "The database was restored from a backup: it is older than STATE_DIR"),
    (database_brought_here, "The database was restored or moved into another STATE_DIR"),
]


@pytest.mark.parametrize(("happens", "notice"), RESTORED)
def test_a_restored_host_starts_with_trading_off_and_stays_on_once_switched_on(
    site: Site, happens: Callable[[Site], None], notice: str
) -> None:
    happens(site)
    site.runs()
    assert site.switch() == (False, f"{notice}. {WHAT_TO_DO}")
    site.switch_on()
    site.runs()
    assert site.switch() == ON
