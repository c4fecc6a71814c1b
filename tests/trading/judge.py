"""Holds the rows of orders to the ledger of the venue: the invariants of trading."""

from collections import Counter
from decimal import Decimal
from typing import Any

from tests.trading.stage import Stage
from trading import reconcile
from trading.models import Order
from trading.states import EXECUTED, OPEN, State

Entry = dict[str, Any]
NEVER_WRITTEN = {State.QUEUED, State.DENIED, State.EXPIRED, State.CANCELLED, State.NOT_SENT}
WITHOUT = {State.REJECTED, State.NOT_EXECUTED, State.CLOSED_EXTERNALLY} | NEVER_WRITTEN


class Judge:
    def __init__(self, stage: Stage) -> None:
        self.stage, self.line = stage, stage.line
        self.seen: dict[int, str] = {}
        self.keys: dict[str, int] = {}

    # --- what the venue knows of an order -------------------------------------------------------
    def executions(self, order: Order) -> list[Entry]:
        calls = self.line.calls.get(order.pk, [])
        entries = self.line.ledger.entries
        return [e for e in entries if e["kind"] == "execution" and e["send"] in calls]

    def is_pending(self, order: Order) -> bool:
        """Whether it may execute yet: on the line, or late at the venue."""
        calls = self.line.calls.get(order.pk, [])
        self.stage.venue.members[0].terminal.world.advance()
        # What was due and came to nothing, for its position was gone, comes no more.
        now, unfinished = self.stage.clock.time(), self.line.ledger.unfinished()
        late = any(entry["number"] in calls and entry["due"] > now for entry in unfinished)
        return late or any(pk == order.pk for pk, _ in self.line.afoot)

    # --- invariants -----------------------------------------------------------------------------
    def look(self) -> None:
        assert self.stage.violations == []
        twice = {pk: n for pk, n in Counter(self.line.written).items() if n > 1}
        assert not twice, f"written more than once: {twice}"
        orders = list(Order.objects.all())
        self._one_at_a_time(orders)
        for order in orders:
            self._look_at(order)

    def _one_at_a_time(self, orders: list[Order]) -> None:
        under_way = Counter(
            (o.account_id, o.overrides_lock)
            for o in orders
            if o.state in (State.SENDING, State.UNKNOWN)
        )
        assert max(under_way.values(), default=0) <= 1, under_way

    def _look_at(self, order: Order) -> None:
        assert self.keys.setdefault(order.client_key, order.pk) == order.pk
        before = self.seen.get(order.pk, State.QUEUED)
        if before not in OPEN and order.state != before:
            assert order.state == State.LATE_FILL, f"{order}: {before} became {order.state}"
        self.seen[order.pk] = order.state
        executions = self.executions(order)
        assert len(self.line.calls.get(order.pk, [])) <= 1, f"{order} was sent to the venue twice"
        if order.state in NEVER_WRITTEN and order.state != State.NOT_SENT:
            assert order.pk not in self.line.written, f"{order} is {order.state}, and was written"
        if order.state == State.CLOSED_EXTERNALLY and order.contract == "1":
            self._is_gone(order)
        elif order.state in WITHOUT:
            assert not executions, f"{order} is {order.state}, and was executed"
        if order.state in EXECUTED:
            self._matches(order, executions)

    def _is_gone(self, order: Order) -> None:
        """By whichever hand: without marks nothing says whether it was the order's."""
        account = next(
            member.terminal.account
            for member in self.stage.venue.members
            if member.terminal.account.login == order.login
        )
        assert order.position not in account.positions, f"{order} is {order.state}, but still open"

    def _matches(self, order: Order, executions: list[Entry]) -> None:
        if order.kind == Order.Kind.MODIFY:
            assert executions or order.retcode == 10025 or self._has_levels(order), order
            return
        assert executions, f"{order} is {order.state}, and was not executed"
        deals = [entry["deal"] for entry in executions]
        volume = sum((Decimal(str(deal.volume)) for deal in deals), Decimal(0))
        assert order.volume is None or volume <= order.volume
        assert order.filled_volume in (None, volume), order
        assert {entry["login"] for entry in executions} == {order.login}
        opens = order.kind == Order.Kind.OPEN
        side = order.side if opens else {"BUY": "SELL", "SELL": "BUY"}[order.side]
        assert {("BUY", "SELL")[deal.type] for deal in deals} == {side}
        if not order.settled_by:
            ticket = order.position_ticket or order.order_ticket
            assert {deal.position_id for deal in deals} == {ticket if opens else order.position}

    def _has_levels(self, order: Order) -> bool:
        """Whether its position had them at any time, whoever set them."""
        wanted = (float(order.sl or 0), float(order.tp or 0))
        return any(
            (entry["position"]["sl"], entry["position"]["tp"]) == wanted
            for entry in self.line.ledger.entries
            if entry["kind"] == "execution" and entry["position"]["ticket"] == order.position
        )

    def after_all_faults(self) -> None:
        """Once they stop, everything settles or asks for a person."""
        for seconds in (6, 40, 35, 35, 35):
            self.stage.wait(seconds)
            reconcile.tend()
        self.look()
        left = [o for o in Order.objects.open() if o.state != State.NEEDS_ATTENTION]
        assert not left, [(str(order), order.state) for order in left]
