"""The journal: append-only, private, for one process, and readable after any end of it."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from agent.orders.journal import Journal, JournalError, TagTaken
from agent.orders.result import Evidence, Result
from agent.problem import Refusal
from tests.agent.trading import TradingDesk

PROBLEM = Refusal(422, "order-expired", "The order came too late", "by 1 s")
DONE = Result("done", 10009, order=5, deal=5, position=5, volume=0.1, price=1.1)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "j", 1_000)


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


def test_an_order_is_known_by_all_its_steps(journal: Journal, desk: TradingDesk) -> None:
    order = desk.order(tag="A")
    assert journal.record("A") is None
    journal.begin(order, 7, "S", {"volume": 0.1}, 2_000)
    begun = journal.record("A")
    assert begun is not None
    assert (begun.order, begun.login, begun.server) == (order.canonical(), 7, "S")
    assert (begun.received_ms, begun.begun_ms, begun.settled_ms) == (2_000, 2_000, None)
    assert (begun.result, begun.resolved) == (None, False)
    journal.settle("A", Result("unknown"), 3_000)
    journal.note_search("A", Evidence("absent", "nothing", 4_000))
    journal.find("A", DONE, Evidence("found", "a deal", 5_000))
    found = journal.record("A")
    assert found is not None
    assert (found.result, found.settled_ms, found.resolved) == (DONE, 5_000, True)
    assert found.evidence is not None
    assert found.evidence["conclusion"] == "found"


def test_a_tag_is_taken_by_its_first_step(journal: Journal, desk: TradingDesk) -> None:
    journal.begin(desk.order(tag="A"), 7, "S", {}, 2_000)
    journal.refuse(desk.order(tag="B"), PROBLEM, 2_000)
    for tag in ("A", "B"):
        with pytest.raises(TagTaken):
            journal.begin(desk.order(tag=tag), 7, "S", {}, 3_000)
        with pytest.raises(TagTaken):
            journal.refuse(desk.order(tag=tag), PROBLEM, 3_000)
    journal.settle("A", DONE, 4_000)
    with pytest.raises(TagTaken):
        journal.settle("A", Result("rejected", 10006), 5_000)
    record = journal.record("A")
    assert record is not None
    assert record.result == DONE


def test_orders_without_a_known_end_are_listed(journal: Journal, desk: TradingDesk) -> None:
    for tag in ("refused", "open", "done", "unknown", "found", "withheld"):
        order = desk.order(tag=tag)
        if tag == "refused":
            journal.refuse(order, PROBLEM, 2_000)
        else:
            journal.begin(order, 7, "S", {}, 2_000)
    journal.settle("done", DONE, 3_000)
    journal.settle("unknown", Result("unknown"), 3_000)
    journal.note_search("open", Evidence("absent", "nothing", 4_000))
    journal.find("found", DONE, Evidence("found", "a deal", 5_000))
    journal.withhold("withheld", PROBLEM, 3_000)
    assert journal.unresolved(0) == ["open", "unknown"]
    assert journal.unresolved(9_000) == []


def test_nothing_is_changed_or_removed(journal: Journal, desk: TradingDesk) -> None:
    journal.begin(desk.order(tag="A"), 7, "S", {}, 2_000)
    journal.close()
    database = sqlite3.connect(journal.path)
    for statement in ("UPDATE entries SET outcome = 'done'", "DELETE FROM entries"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_it_is_the_same_journal_when_it_is_opened_again(tmp_path: Path) -> None:
    first = Journal(tmp_path / "j", 1_000)
    first.close()
    again = Journal(tmp_path / "j", 9_000)
    assert (first.made, again.made) == (True, False)
    assert (again.id, again.since_ms) == (first.id, 1_000)
    assert Journal(tmp_path / "other", 1_000).id != first.id


def test_a_second_process_cannot_open_it(journal: Journal) -> None:
    code = (
        "import sys; from pathlib import Path; from agent.orders.journal import *\n"
        "try: Journal(Path(sys.argv[1]), 1)\n"
        "except JournalError as error: print(error)"
    )
    told = subprocess.run(
        [sys.executable, "-c", code, str(journal.path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    assert "another program" in told.stdout


@pytest.mark.parametrize("content", [b"not a database at all" * 400, b"SQLite format 3\x00bad"])
def test_a_file_that_is_no_journal_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "j").write_bytes(content)
    with pytest.raises(JournalError):
        Journal(tmp_path / "j", 1_000)


def test_a_journal_of_a_newer_agent_is_refused(journal: Journal) -> None:
    journal.close()
    database = sqlite3.connect(journal.path)
    database.execute("PRAGMA user_version = 9")
    database.close()
    with pytest.raises(JournalError, match="version 9"):
        Journal(journal.path, 1_000)


def test_a_folder_that_is_not_there_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="No such file"):
        Journal(tmp_path / "no" / "j", 1_000)


def test_a_write_is_synced_before_it_returns(journal: Journal) -> None:
    settings = {
        name: journal._ask(f"PRAGMA {name}")[0][0]
        for name in ("synchronous", "journal_mode", "locking_mode")
    }
    assert settings == {"synchronous": 2, "journal_mode": "wal", "locking_mode": "exclusive"}
