import msgspec

from accounts.live import events
from accounts.live.events import Backlog, Delivered, Event
from accounts.live.frames import json_string

Rows = dict[int, msgspec.Raw]
NOBODY: frozenset[int] = frozenset()


def row(html: str) -> msgspec.Raw:
    return json_string(html)


def deliver(kept: Backlog, rows: Rows, is_resize: bool = False) -> None:
    kept.add(Event("e", kept.last + 1, "", frozenset(), ""), most=10_000)
    kept.deliver(Delivered(rows, {}, is_resize))


def filled(*rows: Rows, first: int = 0) -> Backlog:
    kept = Backlog()
    kept.restart("e", first)
    for changed in rows:
        deliver(kept, changed)
    return kept


def since(kept: Backlog, seq: int, rows: frozenset[int] = NOBODY) -> Delivered | None:
    return kept.rows_since("e", seq, rows, NOBODY)


def test_a_page_gets_exactly_the_rows_it_missed_and_the_last_of_each() -> None:
    kept = filled({1: row("a"), 2: row("a")}, {1: row("b"), 3: row("b")}, {1: row("c")})
    missed = since(kept, 1, frozenset({1, 2}))
    assert missed is not None
    assert missed.rows == {1: row("c")}


def test_a_page_that_missed_nothing_gets_nothing() -> None:
    missed = since(filled({1: row("a")}), 1, frozenset({1}))
    assert missed is not None
    assert missed.rows == {}


def test_what_fell_out_must_be_read_again() -> None:
    kept = filled(*({n: row("x")} for n in range(1, events.MAX_DELIVERED + 2)))
    assert since(kept, 0, frozenset({1})) is None
    assert since(kept, 1, frozenset({2})) is not None


def test_it_is_bounded_by_bytes() -> None:
    kept = filled(*({1: row("x" * 1_000_000)} for _ in range(5)))
    assert since(kept, 0, frozenset({1})) is None
    assert since(kept, 4, frozenset({1})) is not None


def test_a_page_from_before_the_first_entry_must_be_read_again() -> None:
    assert since(filled(first=5), 4) is None
    assert since(filled(first=5), 5) is not None


def test_a_fleet_of_another_size_must_be_read_again() -> None:
    kept = filled()
    deliver(kept, {}, is_resize=True)
    assert since(kept, 0, frozenset({1})) is None
    assert since(kept, 1, frozenset({1})) is not None


def test_a_page_of_another_epoch_must_be_read_again() -> None:
    assert filled().rows_since("another", 0, NOBODY, NOBODY) is None


def event(seq: int) -> Event:
    return Event("e", seq, "account_update", frozenset({1}), "")


def test_clients_get_every_event_after_their_mark() -> None:
    kept = filled({}, {}, first=5)
    assert [one.seq for one in kept.since(5)] == [6, 7]
    assert [one.seq for one in kept.since(5, most=1)] == [6]
    assert not kept.has("e", 4)


def test_what_was_written_before_this_process_listened_comes_before() -> None:
    kept = filled({}, first=5)
    kept.prepend([event(4), event(5)])
    assert [one.seq for one in kept.since(3)] == [4, 5, 6]
    kept.prepend([event(1)])  # not the one just before: there is a gap
    assert not kept.has("e", 0)


def test_what_is_not_complete_for_clients_is_forgotten() -> None:
    kept = filled({}, {}, {})
    kept.forget_events(2)
    assert not kept.has("e", 1)
    assert [one.seq for one in kept.since(2)] == [3]


def test_after_a_gap_nothing_of_before_is_known() -> None:
    kept = filled({1: row("a")})
    kept.add(event(9), most=10)
    assert not kept.has("e", 1)
    assert since(kept, 1, frozenset({1})) is None
    assert since(kept, 8, frozenset({1})) is not None


def test_rows_that_are_not_known_stay_unknown_when_others_fall_out() -> None:
    kept = filled()
    kept.forget_rows(100)  # more than was read here yet
    for _ in range(5):
        deliver(kept, {1: row("x" * 1_000_000)})
    assert kept.rows_from == 100
