import msgspec

from accounts.live import backlog
from accounts.live.backlog import Backlog
from accounts.live.frames import json_string

Rows = dict[int, msgspec.Raw]
NOBODY: frozenset[int] = frozenset()


def row(html: str) -> msgspec.Raw:
    return json_string(html)


def filled(*rows: Rows, first: int = 0) -> Backlog:
    kept = Backlog(first)
    for seq, changed in enumerate(rows, start=first + 1):
        kept.add(seq, changed, {}, resized=False)
    return kept


def test_a_page_gets_exactly_the_rows_it_missed_and_the_last_of_each() -> None:
    kept = filled({1: row("a"), 2: row("a")}, {1: row("b"), 3: row("b")}, {1: row("c")})
    missed = kept.since(1, frozenset({1, 2}), NOBODY)
    assert missed is not None
    assert missed.rows == {1: row("c")}


def test_a_page_that_missed_nothing_gets_nothing() -> None:
    missed = filled({1: row("a")}).since(1, frozenset({1}), NOBODY)
    assert missed is not None
    assert missed.rows == {}


def test_what_fell_out_must_be_read_again() -> None:
    kept = filled(*({n: row("x")} for n in range(1, backlog.MAX_ENTRIES + 2)))
    assert kept.since(0, frozenset({1}), NOBODY) is None
    assert kept.since(1, frozenset({2}), NOBODY) is not None


def test_it_is_bounded_by_bytes() -> None:
    kept = filled(*({1: row("x" * 1_000_000)} for _ in range(5)))
    assert kept.since(0, frozenset({1}), NOBODY) is None
    assert kept.since(4, frozenset({1}), NOBODY) is not None


def test_a_page_from_before_the_first_entry_must_be_read_again() -> None:
    assert filled(first=5).since(4, NOBODY, NOBODY) is None
    assert filled(first=5).since(5, NOBODY, NOBODY) is not None


def test_a_fleet_of_another_size_must_be_read_again() -> None:
    kept = filled()
    kept.add(1, {}, {}, resized=True)
    assert kept.since(0, frozenset({1}), NOBODY) is None
    assert kept.since(1, frozenset({1}), NOBODY) is not None
