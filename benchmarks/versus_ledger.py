"""Versus as the ledger of the venue saw them: their legs at any moment, and their naked time.

Only the tags of opening orders are taken from the rows; what was executed, and when, is the
ledger's.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from benchmarks.ledger import Entry

Key = tuple[int, int]  # login and ticket: two brokers may give the same ticket
Lots = dict[Key, Decimal]  # by position; what was sold is less than nothing
STEPS = {"buy": "freeze", "sell": "freeze", "half-1": "transfer", "half-2": "transfer"}


@dataclass(frozen=True, slots=True)
class Change:
    """A position of a versus from then on: `lots` 0 when it is closed. `step` opened it."""

    at: float
    key: Key
    lots: Decimal
    step: str


@dataclass(frozen=True, slots=True)
class Naked:
    """Unequal legs; `what` was being done: freeze, transfer or close."""

    what: str
    began: float
    ended: float


def by_versus(entries: Iterable[Entry], orders: Iterable[Any]) -> dict[int, list[Change]]:
    """What befell the legs of each versus, by its pk, in turn."""
    tags = {order.tag: order for order in orders if order.kind == "open" and order.versus_id}
    sends, owners = dict[int, Entry](), dict[Key, Any]()
    changes: dict[int, list[Change]] = defaultdict(list)
    for entry in entries:
        if entry["kind"] == "send":
            sends[entry["number"]] = entry
        if entry["kind"] != "execution":
            continue
        position, send = entry["position"], sends.get(entry["send"])
        key = entry["login"], position["ticket"]
        if send is not None and send["tag"] in tags:
            owners.setdefault(key, tags[send["tag"]])
        if (owner := owners.get(key)) is not None:
            at = send["at"] if send else entry["at"]  # the second of the market is too coarse
            changes[owner.versus_id].append(Change(at, key, _lots(position), owner.step))
    return changes


def _lots(position: Entry) -> Decimal:
    volume = Decimal(str(position["volume"])) if position["open"] else Decimal(0)
    return -volume if position["side"] else volume


def held(changes: Iterable[Change], until: float = float("inf")) -> Lots:
    lots = {change.key: change.lots for change in changes if change.at <= until}
    return {key: volume for key, volume in lots.items() if volume}


def most_exposed(changes: list[Change]) -> Decimal:
    """The most that its legs ever differed by."""
    return max((abs(net) for _, net in _nets(changes)), default=Decimal(0))


def naked(changes: list[Change]) -> Iterator[Naked]:
    began: Change | None = None
    for change, net in _nets(changes):
        if net and began is None:
            began = change
        elif not net and began is not None:
            what = STEPS[began.step] if began.lots else "close"
            yield Naked(what, began.at, change.at)
            began = None


def _nets(changes: list[Change]) -> Iterator[tuple[Change, Decimal]]:
    lots: Lots = {}
    for change in changes:
        lots[change.key] = change.lots
        yield change, sum(lots.values(), Decimal(0))


def wrong(state: str, versus: Any, lots: Lots) -> str:
    """What the ledger shows against a versus in that state; empty when it is as it should be."""
    from trading.versus.states import ENDED, State

    on_a, on_b = _of(lots, versus.login_a), _of(lots, versus.login_b)
    kept = versus.lots if versus.side_a == "BUY" else -versus.lots
    right = True
    if state in ENDED or state == State.PENDING:
        right = not on_a and not on_b
    elif state == State.FROZEN:
        right = on_a == [-versus.lots, versus.lots] and not on_b
    elif state in (State.TRANSFERRED, State.UNPROTECTED):
        right = on_a == [kept] and sum(on_b) == -kept
    held = f"A {[str(one) for one in on_a]}, B {[str(one) for one in on_b]}"
    return "" if right else f"{versus.code} is {state}, and holds {held}"


def _of(lots: Lots, login: int) -> list[Decimal]:
    return sorted(volume for (owner, _), volume in lots.items() if owner == login)
