"""The mark in STATE_DIR and the row of its host: which changes show a copy, and which do not."""

import os
import shutil
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from mt5monitor.hosts import known, mark, place, watch
from mt5monitor.hosts.models import Host
from trading.models import TradingSwitch
from trading.permits import refusal_of_the_switch

pytestmark = pytest.mark.both_databases

WHAT_TO_DO = "Compare positions and orders with the terminals, then switch trading on again."
COPIED = "STATE_DIR was copied or restored from a backup"
MOVED = "STATE_DIR came here from another machine"
ELSEWHERE = "The database was copied or restored: it is not where it was"
UNKNOWN = "The database does not know this STATE_DIR: one of them was restored or replaced"
OTHER_INSTANCE = (
    "The database was restored or copied: trading was switched on for another INSTANCE_ID"
)
OLD_DATABASE = "The database was restored from a backup: it is older than STATE_DIR"
OLD_FOLDER = "STATE_DIR was restored from a backup: it is older than the database"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    known.forget()
    yield
    known.forget()


@pytest.fixture(autouse=True)
def outside_of_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "CONTAINERS", ())
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)


@pytest.fixture
def trading_on(db: None, settings: Settings) -> None:
    settings.TRADING_ENABLED = True
    columns = {"is_on": True, "instance": settings.INSTANCE_ID, "changed_by": "boss"}
    TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=columns)


@pytest.fixture
def folder(trading_on: None, tmp_path: Path) -> Path:
    """Of a host that has run for a while."""
    folder = tmp_path / "state"
    folder.mkdir()
    for _ in range(3):
        assert start(folder) == ""
    return folder


def start(folder: Path) -> str:
    return watch.attend(started=True, state_dir=folder)


def now(folder: Path) -> mark.Mark:
    found = mark.read(folder)
    assert found is not None
    return found


def put(folder: Path, **changes: object) -> None:
    """The mark, with these fields, as its own file still."""
    mark.write(folder, msgspec.structs.replace(now(folder), **changes))


def is_on() -> bool:
    return TradingSwitch.on().exists()


def test_a_host_that_starts_again_and_again_goes_on_trading(folder: Path) -> None:
    assert is_on()
    row = Host.objects.get()
    assert (row.pk, row.number) == (now(folder).host, now(folder).number)
    assert row.number == 3


class Died(Exception):
    pass


def die(*_: object) -> None:
    raise Died


def test_a_new_host_whose_first_process_died_goes_on_trading(
    trading_on: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As at the first start after an upgrade, with trading on."""
    with monkeypatch.context() as dying:
        dying.setattr(watch, "_record", die)
        for _ in range(2):
            with pytest.raises(Died):
                start(tmp_path)
    assert start(tmp_path) == start(tmp_path) == ""
    assert is_on()


def test_a_copy_whose_stop_was_not_committed_is_noticed_at_the_next_start(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = copied(folder)
    with monkeypatch.context() as dying:
        dying.setattr(watch, "_record", die)
        with pytest.raises(Died):
            start(copy)
    assert start(copy) == UNKNOWN
    assert not is_on()


def test_a_folder_that_is_not_there_is_made(trading_on: None, tmp_path: Path) -> None:
    """A worker with all keys in its environment is the first to need one."""
    folder = tmp_path / "no" / "state"
    assert start(folder) == start(folder) == ""
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_process_that_was_stopped_holds_up_no_other_for_ever(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mark, "WAIT_S", 0)
    with mark.held(folder), pytest.raises(TimeoutError, match="another process of this host"):
        start(folder)
    assert start(folder) == ""


def test_the_mark_is_for_its_owner_alone(folder: Path) -> None:
    for name in (mark.NAME, mark.LOCK):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600


def rename(folder: Path) -> Path:
    return folder.rename(folder.with_name("moved"))


def died_before_the_database(folder: Path) -> Path:
    put(folder, number=now(folder).number + 1, was=now(folder).number)
    return folder


def died_before_the_file(folder: Path) -> Path:
    put(folder, was=now(folder).number - 1)
    return folder


def machine_unknown(folder: Path) -> Path:
    put(folder, machine="")
    return folder


def database_unknown(folder: Path) -> Path:
    put(folder, database="")
    Host.objects.update(database="")
    return folder


@pytest.mark.parametrize(
    "happens",
    [rename, died_before_the_database, died_before_the_file, machine_unknown, database_unknown],
)
def test_no_false_alarm(folder: Path, happens: Callable[[Path], Path]) -> None:
    folder = happens(folder)
    for _ in range(2):
        assert start(folder) == ""
    assert is_on()


def copied(folder: Path) -> Path:
    return Path(shutil.copytree(folder, folder.with_name("copy")))


def restored_over_itself(folder: Path) -> Path:
    """As `cp -a backup/. state/`: every file keeps its inode and gets its old words and times."""
    backup = shutil.copytree(folder, folder.with_name("backup"))
    assert start(folder) == ""
    shutil.copytree(backup, folder, dirs_exist_ok=True)
    Host.objects.update(number=now(folder).number)  # the database was in the backup too
    return folder


def restored_after_it_was_lost(folder: Path) -> Path:
    backup = shutil.copytree(folder, folder.with_name("backup"))
    shutil.rmtree(folder)
    return Path(shutil.copytree(backup, folder))


def on_another_machine(folder: Path) -> Path:
    put(folder, machine="machine 0123456789abcdef0123456789abcdef")
    return folder


def older_database(folder: Path) -> Path:
    Host.objects.update(number=now(folder).number - 1)
    return folder


def older_folder(folder: Path) -> Path:
    Host.objects.update(number=now(folder).number + 1)
    return folder


def database_of_before(folder: Path) -> Path:
    Host.objects.all().delete()
    return folder


def database_elsewhere(folder: Path) -> Path:
    kind = place.of_database().rpartition(" ")[0]
    Host.objects.update(database=f"{kind} 17")
    return folder


def damaged(folder: Path) -> Path:
    (folder / mark.NAME).write_text('{"host"')
    return folder


def another_instance(folder: Path) -> Path:
    TradingSwitch.objects.update(instance="another")
    return folder


RESTORED = [
    (another_instance, OTHER_INSTANCE),
    (copied, COPIED),
    (restored_over_itself, COPIED),
    (restored_after_it_was_lost, COPIED),
    (on_another_machine, MOVED),
    (older_database, OLD_DATABASE),
    (older_folder, OLD_FOLDER),
    (database_of_before, UNKNOWN),
    (database_elsewhere, ELSEWHERE),
    (damaged, "host.json in STATE_DIR is damaged"),
]


@pytest.mark.parametrize(("happens", "notice"), RESTORED)
def test_what_was_restored_or_copied_starts_with_trading_off(
    folder: Path, happens: Callable[[Path], Path], notice: str
) -> None:
    folder = happens(folder)
    assert start(folder) == notice
    assert not is_on()
    switch = TradingSwitch.objects.get()
    assert (switch.is_on, switch.changed_by) == (False, "the monitor")
    assert switch.reason == f"{notice}. {WHAT_TO_DO}"
    assert refusal_of_the_switch() == f"All trading is switched off by the monitor: {switch.reason}"


@pytest.mark.parametrize(("happens", "notice"), RESTORED)
def test_switched_on_again_it_stays_on(
    folder: Path, settings: Settings, happens: Callable[[Path], Path], notice: str
) -> None:
    folder = happens(folder)
    start(folder)
    TradingSwitch.objects.update(is_on=True, instance=settings.INSTANCE_ID)
    for _ in range(2):
        assert start(folder) == ""
    assert is_on()


def test_a_host_that_sends_no_orders_may_have_an_id_of_its_own(
    folder: Path, settings: Settings
) -> None:
    settings.TRADING_ENABLED = False
    another_instance(folder)
    assert start(folder) == ""
    assert TradingSwitch.objects.get().is_on


@pytest.mark.skipif(connection.vendor != "sqlite", reason="a file has one folder")
def test_a_database_file_in_another_folder_starts_with_trading_off(
    folder: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    assert start(other) == "The database was restored or moved into another STATE_DIR"
    assert not is_on()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="several hosts share PostgreSQL")
def test_a_further_host_may_join(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for _ in range(2):
        assert start(other) == start(folder) == ""
    assert is_on()
    assert Host.objects.count() == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="several hosts share PostgreSQL")
def test_of_a_restored_database_every_host_is_warned_once_and_not_once_each(
    folder: Path, tmp_path: Path, settings: Settings
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    start(other)
    for host in Host.objects.all():
        Host.objects.filter(pk=host.pk).update(number=0)
    assert start(folder) == OLD_DATABASE
    TradingSwitch.objects.update(is_on=True, instance=settings.INSTANCE_ID)
    assert start(other) == start(folder) == ""
    assert is_on()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a dump is loaded elsewhere")
def test_a_new_folder_does_not_hide_that_a_dump_was_loaded_elsewhere(
    folder: Path, tmp_path: Path
) -> None:
    database_elsewhere(folder)
    other = tmp_path / "other"
    other.mkdir()
    assert start(other) == ELSEWHERE


def test_one_process_a_minute_advances_the_mark(folder: Path) -> None:
    number = now(folder).number
    assert watch.attend(state_dir=folder) == ""
    assert now(folder).number == number
    Host.objects.update(seen_at=timezone.now() - watch_interval())
    assert watch.attend(state_dir=folder) == ""
    assert now(folder).number == number + 1


def test_the_mark_is_advanced_though_the_clock_was_set_back(folder: Path) -> None:
    number = now(folder).number
    Host.objects.update(seen_at=timezone.now() + timedelta(hours=1))
    assert watch.attend(state_dir=folder) == ""
    assert now(folder).number == number + 1


def watch_interval() -> timedelta:
    return timedelta(seconds=watch.ADVANCE_EVERY_S + 1)


def test_a_running_process_notices_each_minute_too(folder: Path) -> None:
    older_database(folder)
    assert watch.attend(state_dir=folder) == OLD_DATABASE
    assert not is_on()


def test_no_order_leaves_between_a_restore_and_the_next_look(folder: Path) -> None:
    assert is_on()
    older_database(folder)
    assert not is_on()
    assert "restored while this process ran" in refusal_of_the_switch()


def test_a_damaged_copy_of_the_lock_keeps_nothing_from_starting(folder: Path) -> None:
    os.truncate(folder / mark.LOCK, 0)
    assert start(folder) == ""
