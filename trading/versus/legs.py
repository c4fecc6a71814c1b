"""What the orders of a versus say happened: its legs, and how each step fared. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading.models import Order
from trading.positions import P, find
from trading.states import EXECUTED, OPEN, WITHOUT_EXECUTION, State

BUY, SELL, HALF_1, HALF_2 = "buy", "sell", "half-1", "half-2"
RELEASE, PROTECT = "release", "protect"


@dataclass(frozen=True, slots=True)
class Leg:
    """A position that a step opened. `ticket`: the one that it was opened with, and `identity` what
    it is known by whatever ticket the broker gives it. `volume`: what is left of it as far as our
    orders know. `sl`, `tp`: with which it was opened. `since`: when we learned of it, or
    did not find it."""

    step: str
    run: int
    account_id: int
    where: str
    ticket: int
    identity: int
    symbol: str
    side: str
    volume: Decimal
    opened: Decimal | None
    sl: Decimal | None
    tp: Decimal | None
    since: datetime | None

    @property
    def key(self) -> tuple[int, int]:
        """Numbers are a broker's own: two brokers may give the same one."""
        return self.account_id, self.identity

    def among(self, positions: Iterable[P]) -> P | None:
        """That of the broker, whatever its ticket is now."""
        return find(positions, self.identity, self.ticket)

    def __str__(self) -> str:
        side = self.side.lower()
        return f"{side} {self.volume.normalize():f} {self.symbol} #{self.ticket} on {self.where}"


class Legs:
    def __init__(self, orders: Sequence[Order]) -> None:
        self.orders = sorted(orders, key=lambda order: order.pk)
        self._steps: dict[tuple[int, str], list[Order]] = defaultdict(list)
        for order in self.orders:
            self._steps[order.run or 0, order.step].append(order)

    def attempts(self, run: int, step: str) -> list[Order]:
        return self._steps.get((run, step), [])

    def last(self, run: int, step: str) -> Order | None:
        attempts = self.attempts(run, step)
        return attempts[-1] if attempts else None

    @property
    def under_way(self) -> Order | None:
        """The order that everything else waits for."""
        return next((order for order in self.orders if order.state in OPEN), None)

    @property
    def open(self) -> list[Leg]:
        """In the order in which they were opened."""
        return [leg for order in self.orders if (leg := self._leg(order)) is not None]

    @property
    def missed(self) -> list[Leg]:
        """Those that the order to close them did not find any more. They are gone, unless the
        broker shows them again: a terminal that starts may show none for a while."""
        legs = [(order, self._leg(order, missed=True)) for order in self.orders]
        return [leg for order, leg in legs if leg is not None and self._leg(order) is None]

    def of_step(self, run: int, step: str) -> Leg | None:
        order = self.last(run, step)
        return None if order is None else self._leg(order)

    def _leg(self, order: Order, *, missed: bool = False) -> Leg | None:
        """None when it opened nothing, or what it opened was closed by an order of ours. With
        `missed`, an order that did not find it has not closed it."""
        ticket = ticket_of(order)
        if order.kind != Order.Kind.OPEN or order.state not in EXECUTED or ticket is None:
            return None
        left, since = executed(order), order.ended_at
        for closing in self.orders:
            closes = closing.kind == Order.Kind.CLOSE and closing.account_id == order.account_id
            if not closes or not {closing.position, closing.identity} & {ticket, order.identity}:
                continue
            if missed and closing.state == State.CLOSED_EXTERNALLY:
                since = closing.ended_at
                continue
            if is_over(closing) and not _late_and_told(closing):
                return None
            if closing.state in EXECUTED:
                left -= closing.filled_volume or Decimal(0)
        if left <= 0:
            return None
        return Leg(
            step=order.step,
            run=order.run or 0,
            account_id=order.account_id,
            where=order.where,
            ticket=ticket,
            identity=order.identity or ticket,
            symbol=order.symbol,
            side=order.side,
            volume=left,
            opened=order.price,
            sl=order.sl,
            tp=order.tp,
            since=since,
        )


def was_opened(order: Order) -> bool:
    return order.kind == Order.Kind.OPEN and order.state in EXECUTED


def ticket_of(order: Order) -> int | None:
    """Of the position that it opened: on a hedging account, that of the order."""
    return order.position_ticket or order.order_ticket


def executed(order: Order) -> Decimal:
    return order.filled_volume or order.volume or Decimal(0)


def is_whole(order: Order) -> bool:
    """Executed, and all of it."""
    if _late_and_told(order) and order.volume is not None:
        return executed(order) >= order.volume
    return order.state in EXECUTED and order.state != State.PARTIAL


def is_over(closing: Order) -> bool:
    """What it should close is closed, by it or by somebody else."""
    return is_whole(closing) or closing.state == State.CLOSED_EXTERNALLY


def _late_and_told(order: Order) -> bool:
    """What is executed after all may be a part: its volume is all that is known of it."""
    return order.state == State.LATE_FILL and order.filled_volume is not None


def has_failed(order: Order) -> bool:
    is_part = order.state in EXECUTED and not is_whole(order)
    return order.state in WITHOUT_EXECUTION or is_part
