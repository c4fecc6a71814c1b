"""import_original: a desk that ran the original moves in, whole or not at all."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.agents.deals import closed_position
from accounts.models import Account, Agent
from tests.factories import make_agent, make_user
from tests.original.folder import TRADE, Folder, cached, database, waiting
from trading.history import keep_closed
from trading.models import ClosedTrade, Versus

pytestmark = pytest.mark.django_db
LARGEST = 2**63 - 1  # number of a position


@pytest.fixture
def whole(tmp_path: Path) -> Folder:
    """Some of everything."""
    folder = Folder(tmp_path)
    folder.write(
        phases={"5001": "F2", "5002": "R", "5003": "gone"},
        vs_data={"5001": "vs1", "5002": "VS1"},
        versus_data=waiting() | waiting("0000ffff", status="completed"),
        trade_cache=cached(5001, TRADE, TRADE | {"position_id": LARGEST}),
    )
    return folder


@pytest.fixture
def runner() -> str:
    return make_user("trading.run_versus").username


@pytest.mark.both_databases
def test_a_desk_moves_in_with_one_command(whole: Folder, runner: str) -> None:
    said = whole.run("--user", runner)

    assert said.endswith("Imported: 11 taken, 0 changed, 0 kept, 2 skipped.")
    assert list(Agent.objects.values_list("name", "contract", "trading_enabled")) == [
        ("VPS-1", "1", False),
        ("VPS-2", "1", False),
    ]
    rows = Account.objects.values_list("number", "phase__name", "vs_group__name", "agent")
    assert list(rows) == [(5001, "F2", "VS1", None), (5002, "R", "VS1", None)]
    assert Versus.objects.get().state == "pending"
    assert set(ClosedTrade.objects.values_list("position_id", flat=True)) == {777, LARGEST}


def test_a_dry_run_says_the_same_and_writes_nothing(whole: Folder, runner: str) -> None:
    before = database()
    dry = whole.run("--user", runner, "--dry-run")
    assert database() == before

    wet = whole.run("--user", runner)

    assert dry == wet.replace("Imported:", "Nothing was imported. It would be:")
    assert database() != before


@pytest.mark.both_databases
def test_a_second_run_changes_nothing(whole: Folder, runner: str) -> None:
    whole.run("--user", runner)
    before = database()
    said = whole.run()  # nobody is needed any more to run what is here already
    assert said.endswith("Imported: 0 taken, 0 changed, 9 kept, 2 skipped.")
    assert database() == before


@pytest.mark.both_databases
def test_edits_stand_in_the_history_with_whoever_imported(whole: Folder, runner: str) -> None:
    whole.run("--user", runner)
    for model in (Agent, Account):
        told = model.history.values_list("history_user__username", "history_change_reason")
        assert set(told) == {(runner, "import_original")}


def test_without_a_user_the_history_still_says_what_did_it(folder: Folder) -> None:
    folder.write(phases={"5001": "F2"}, vs_data={"5001": "VS1"})
    folder.run()
    assert set(Account.history.values_list("history_change_reason")) == {("import_original",)}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


# --- agents -------------------------------------------------------------------------------------
def test_agents_that_are_here_are_kept_and_clashes_are_skipped(folder: Folder) -> None:
    make_agent(name="Renamed", url="http://10.0.0.1:8000/")
    make_agent(name="VPS-2", url="http://10.0.0.9:8000", trading_enabled=True)
    before = database()

    said = folder.run()

    assert "VPS-1 kept http://10.0.0.1:8000 is here already, under the name Renamed" in said
    assert "VPS-2 skipped an agent of that name is at http://10.0.0.9:8000" in said
    assert database() == before


def test_an_agent_that_was_moved_or_deleted_here_does_not_come_back(folder: Folder) -> None:
    folder.run()
    Agent.objects.get(name="VPS-1").delete()
    moved = Agent.objects.get(name="VPS-2")
    moved.name, moved.url = "Madrid", "http://10.0.0.7:8000"
    moved.save()
    before = database()

    said = folder.run()

    assert "0 taken, 0 changed, 2 kept, 0 skipped" in said
    assert "VPS-1 kept taken before; somebody moved, renamed or deleted it" in said
    assert database() == before


def test_a_list_with_one_agent_that_cannot_be_is_refused_whole(folder: Folder) -> None:
    folder.agents([{"name": "a", "url": "http://10.0.0.1"}, {"name": "b", "url": "ftp://x"}])
    folder.write(phases={"5001": "F2"})
    with pytest.raises(CommandError, match=r"\(line 2\): item 2: url"):
        folder.run()
    assert not Account.objects.exists()


# --- files --------------------------------------------------------------------------------------
def test_files_that_are_not_there_are_named_and_the_rest_goes_on(folder: Folder) -> None:
    folder.write(vs_data={"5001": "VS1"})
    said = folder.run()
    for name in ("phases", "versus_data", "trade_cache"):
        assert f"{name}.json - not there, so nothing is taken from it" in said
    assert Account.objects.get().vs_group is not None


def test_phases_may_lie_in_the_file_that_the_original_was_told(folder: Folder) -> None:
    folder.env.write_text("VPS_AGENTS_JSON=[]\nPHASE_DATA_FILE=C:\\desk\\my_phases.json\n")
    folder.write(my_phases={"5001": "F2"})
    assert "my_phases.json - 1 entry" in folder.run()
    assert Account.objects.get().number == 5001


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "line 1, column 1: not JSON"),
        ('{"5001": "F2",\n}', "line 2, column 1: not JSON"),
        ("[]", "must be an object such as {...}, not a list"),
        ("null", "must be an object such as {...}, not nothing"),
        ('{"5001": "F1", "5001": "F2"}', "“5001” stands twice in one object"),
        ('{"5001": {"a": 1, "a": 2}}', "“a” stands twice in one object"),
        ("[" * 100_000, "nested too deep"),
        ('{"5001": 1e99999999999999999999}', "not JSON that can be used"),
        ('{"5001": ' + "9" * 5000 + "}", "not JSON that can be used"),
    ],
)
@pytest.mark.parametrize("name", ["phases", "vs_data", "versus_data", "trade_cache"])
def test_a_file_that_is_damaged_stops_everything(
    folder: Folder, name: str, text: str, sentence: str
) -> None:
    folder.write(**{name: text})
    with pytest.raises(CommandError) as refused:
        folder.run()
    assert "Nothing was imported." in str(refused.value)
    assert f"{name}.json" in str(refused.value)
    assert sentence in str(refused.value)
    assert not Agent.objects.exists()


def test_a_file_that_cannot_be_read_or_is_huge_stops_everything(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.data.joinpath("phases.json").write_bytes(b'{"5001": "\xff"}')
    with pytest.raises(CommandError, match=r"phases\.json is not text in UTF-8 \(byte 10\)"):
        folder.run()
    folder.write(phases=" " * 3000 + "{}")
    monkeypatch.setattr("trading.original.files.DATA_MOST", 2000)
    with pytest.raises(CommandError, match=r"phases\.json: larger than"):
        folder.run()
    monkeypatch.undo()
    folder.data.joinpath("phases.json").unlink()
    folder.data.joinpath("phases.json").mkdir()
    with pytest.raises(CommandError, match=r"phases\.json: cannot be read: Is a directory"):
        folder.run()


def test_folder_env_and_user_that_do_not_exist_are_named(folder: Folder, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="there is no user nobody"):
        folder.run("--user", "nobody")
    with pytest.raises(CommandError, match="none: no such folder"):
        call_command("import_original", "--env", str(folder.env), "--data", str(tmp_path / "none"))
    folder.env.unlink()
    with pytest.raises(CommandError, match=r"\.env: cannot be read: No such file"):
        folder.run()


@pytest.mark.both_databases
def test_what_fails_while_it_is_written_leaves_no_trace(
    whole: Folder, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = database()

    def fail(*_: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("trading.original.applying.store", fail)
    with pytest.raises(RuntimeError):
        whole.run("--user", runner)
    assert database() == before


# --- closed trades ------------------------------------------------------------------------------
def test_trades_are_kept_as_contract_1_tells_them(folder: Folder) -> None:
    folder.write(phases={"5001": "F2"}, trade_cache=cached(5001, TRADE))
    folder.run()
    trade = ClosedTrade.objects.get()
    assert (trade.account.number, trade.position_id, trade.contract) == (5001, 777, "1")
    assert (trade.volume_closed, trade.net) == (Decimal("0.5"), Decimal("58.00"))
    assert (trade.exit_price, trade.closed_told) == (Decimal("1.10123"), "2026-01-02T11:30:00")
    assert trade.closed_at == trade.closed_at_or_guess == datetime(2026, 1, 2, 11, 30, tzinfo=UTC)
    assert trade.opened_at == datetime(2026, 1, 2, 10, tzinfo=UTC)


def test_known_times_stay_when_an_agent_tells_the_same_in_no_zone(folder: Folder) -> None:
    folder.write(phases={"5001": "F2"}, trade_cache=cached(5001, TRADE))
    folder.run()
    told = closed_position(json.dumps(TRADE | {"commission": -4.5}).encode())
    assert keep_closed(Account.objects.get(), [told]) == 1
    trade = ClosedTrade.objects.get()
    assert (trade.net, trade.closed_at) == (Decimal("57.00"), trade.closed_at_or_guess)
    assert trade.closed_at == datetime(2026, 1, 2, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize("named", ["data", "app", "."])
def test_trades_lie_in_another_folder_of_the_original_than_the_rest(
    folder: Folder, named: str
) -> None:
    root = folder.data.parent
    (root / "app").mkdir()
    (root / "app" / "trade_cache.json").write_text(json.dumps(cached(5001, TRADE)))
    folder.write(phases={"5001": "F2"})
    folder.data = root / named
    said = folder.run()
    assert ClosedTrade.objects.count() == 1
    assert "phases.json - 1 entry" in said


def test_a_folder_of_another_name_has_nothing_beside_it(folder: Folder) -> None:
    folder.write(phases={"5001": "F2"})
    other = folder.data.parent / "backup"
    other.mkdir()
    folder.data = other
    assert "phases.json - not there" in folder.run()


@pytest.mark.parametrize(
    ("trade", "sentence"),
    [
        ({"position_id": 0}, "position_id"),
        ({"position_id": "778"}, "position_id"),
        ({"lot": "0.5"}, "lot: expected number, got text"),
        ({"profit": float("nan")}, "profit is nan, which is no number"),
        ({"profit": None}, "profit: missing"),
        ({"lot": 0}, "its lot is 0"),
        ({"lot": 0.0}, "its lot is 0"),
        ({"side": "<b>LONG</b>"}, "side: expected BUY or SELL, got <b>LONG</b>"),
        ({"lot": 1e10}, "lot: expected a number from 0 to"),
        ([], "a trade must be an object, not a list"),
        ("x" * 1000, "a trade must be an object, not text"),
        ({"pips": 1e12}, "pips: expected a number of at most"),
        (TRADE, "the same position_id twice"),
    ],
)
def test_a_trade_that_cannot_be_is_skipped_and_the_others_are_taken(
    folder: Folder, trade: Any, sentence: str
) -> None:
    bad = {**TRADE, "position_id": 778, **trade} if isinstance(trade, dict) else trade
    folder.write(phases={"5001": "F2"}, trade_cache=cached(5001, TRADE, bad))
    said = folder.run()
    assert f"5001 skipped {sentence}" in said
    assert [trade.position_id for trade in ClosedTrade.objects.all()] == [777]


@pytest.mark.parametrize(
    ("cache", "sentence"),
    [
        ({"5009": {"trades": []}}, "5009 skipped not known here: have its agent polled"),
        ({"0": {"trades": []}}, "0 skipped The key is 0, which is no account number."),
        ({"x": {"trades": []}}, "x skipped This is no account number."),
        ({"5001": []}, "5001 skipped must be an object, not a list"),
        ({"5001": {"trades": {}}}, "5001 skipped trades must be a list, not an object"),
        ({"5001": {}}, "5001 skipped trades must be a list, not nothing"),
    ],
)
def test_an_account_whose_trades_cannot_be_taken_is_skipped(
    folder: Folder, cache: Any, sentence: str
) -> None:
    folder.write(phases={"5001": "F2"}, trade_cache=cache)
    assert sentence in folder.run()
    assert not ClosedTrade.objects.exists()


@pytest.mark.both_databases
def test_later_trades_come_with_a_later_run(folder: Folder) -> None:
    folder.write(phases={"5001": "F2"}, trade_cache=cached(5001, TRADE))
    folder.run()
    later = TRADE | {"position_id": 900}
    folder.write(trade_cache=cached(5001, later, TRADE))
    said = folder.run()
    assert "5001 taken" in said
    assert "5001 kept here already" in said
    assert ClosedTrade.objects.count() == 2


def test_many_trades_are_one_line(folder: Folder) -> None:
    many = [TRADE | {"position_id": n} for n in range(1, 2001)]
    folder.write(phases={"5001": "F2"}, trade_cache=json.dumps(cached(5001, *many)))
    assert "5001 2000 taken" in folder.run()
    assert ClosedTrade.objects.count() == 2000
