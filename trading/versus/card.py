"""What a page shows of a versus: its legs as they stand, what it waits for, what may be done.

Read from stored rows alone; no agent is asked. Of what is stale or was not read nothing is shown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import Prefetch, QuerySet

from accounts.fleet import formatting
from accounts.models import Account, Position
from trading.models import Order, Versus
from trading.states import LOCKING
from trading.states import State as OrderState
from trading.versus import buttons, zones
from trading.versus.actions import Wait
from trading.versus.buttons import Act
from trading.versus.holdings import held
from trading.versus.legs import Leg, Legs, has_failed, is_over
from trading.versus.plan import Facts, next_action
from trading.versus.preview import told
from trading.versus.states import ALLOWED, State
from trading.versus.timeline import Timeline

# In this order on the page: what alarms, what moves, what rests.
ORDER: Final = (
    State.DIVERGED,
    State.UNPROTECTED,
    State.CLOSING,
    State.TRANSFERRING,
    State.FREEZING,
    State.FROZEN,
    State.TRANSFERRED,
    State.PENDING,
)
TO_DO: Final = {
    State.DIVERGED: "The accounts do not balance each other any more. Close the legs that are left"
    " with “Close both”, or look at the accounts. When nothing of it is open, it completes by"
    " itself.",
    State.UNPROTECTED: "The leg that A keeps has no stops. They are tried again and again by"
    " themselves; meanwhile set them on the page of the account, or close both.",
}
ORPHANED: Final = (
    "{}, by whose permission its orders are sent, may not run versus any more, so none leaves."
    " Somebody who may has to take it over."
)
NOT_CLOSED: Final = (
    "A leg that has to be closed could not be closed yet. It is tried again by itself; meanwhile it"
    " can be closed on the page of its account."
)
WAITS: Final = {
    State.PENDING: "It waits for somebody to freeze it.",
    State.FROZEN: "It waits for somebody to transfer it.",
    State.TRANSFERRED: "It waits until every leg is closed, by its stops or by hand.",
    State.DIVERGED: "It waits until every leg is closed.",
}
MAY_BEGIN: Final = {State.PENDING, State.FREEZING, State.FROZEN}  # by their schedule
ABOUT_TO: Final = "The next step is about to be taken, or noticed."


STARTS: Final = {
    State.PENDING: [buttons.FREEZE, buttons.SCHEDULE, buttons.CANCEL],
    State.FROZEN: [buttons.TRANSFER, buttons.SCHEDULE],
}


@dataclass(frozen=True, slots=True)
class ShownLeg:
    """`profit` None: unknown, and `why`. `lots`: what is left of it, as far as is known; none when
    the broker was seen not to have it any more."""

    role: str
    leg: Leg
    account: Account
    position: Position | None
    why: str
    lots: Decimal

    @property
    def is_gone(self) -> bool:
        return not self.lots

    @property
    def volume(self) -> Decimal:
        """What is left; of one that is gone, what it was."""
        return self.lots or self.leg.volume

    @property
    def ticket(self) -> int:
        """The one that the terminal shows now, where that is known."""
        return self.position.ticket if self.position else self.leg.ticket

    @property
    def profit(self) -> Decimal | None:
        return None if self.why or self.position is None else self.position.profit


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A step that begins by itself; `at` in the zone of the versus."""

    label: str
    at: datetime
    left: str

    @property
    def at_text(self) -> str:
        """On the clock of that zone: templates would show it in UTC."""
        return f"{self.at:%d %b %H:%M}"

    @property
    def zone(self) -> str:
        return str(self.at.tzinfo)

    @property
    def unix(self) -> str:
        return formatting.unix(self.at)


@dataclass(frozen=True, slots=True)
class Side:
    role: str
    account: Account
    symbol: str
    keeps: str
    sl: Decimal | None
    tp: Decimal | None


class Card:
    def __init__(self, versus: Versus, now: datetime) -> None:
        self.versus, self.now = versus, now
        self.state = State(versus.state)
        self._orders = list(versus.orders.all())
        legs = Legs(self._orders)
        both = {one.pk: one for one in (versus.account_a, versus.account_b)}
        facts = Facts(versus, legs, held(legs, now, both), now)
        self.legs = [self._shown(leg, facts) for leg in facts.open]
        self.under_way = legs.under_way
        self.waits = self._waits(facts)
        self.is_orphaned = versus.is_orphaned

    # --- who ------------------------------------------------------------------------------------
    @property
    def sides(self) -> list[Side]:
        versus = self.versus
        keeps, ends = versus.side_a.lower(), versus.side_b.lower()
        return [
            Side("A", versus.account_a, versus.symbol_a, keeps, versus.sl_a, versus.tp_a),
            Side("B", versus.account_b, versus.symbol_b, ends, versus.sl_b, versus.tp_b),
        ]

    # --- how it stands --------------------------------------------------------------------------
    @property
    def tone(self) -> str:
        if self.versus.is_alarming or self.lost or self.cannot_close or self.is_orphaned:
            return "bad"
        return {State.FROZEN: "good", State.TRANSFERRED: "good", State.PENDING: ""}.get(
            self.state, "wait"
        )

    @property
    def to_do(self) -> str:
        if self.is_orphaned:
            return ORPHANED.format(self.versus.runner_name)
        return TO_DO.get(self.state, NOT_CLOSED if self.cannot_close else "")

    @property
    def cannot_close(self) -> bool:
        """Whether what it did last was to fail at closing a leg, which stands alone meanwhile."""
        last = max(self._orders, key=lambda order: order.pk, default=None)
        is_moving = self.state in (State.FREEZING, State.TRANSFERRING, State.CLOSING)
        if not is_moving or last is None or last.kind != Order.Kind.CLOSE:
            return False
        return has_failed(last) and not is_over(last)

    @property
    def lost(self) -> Order | None:
        """The order that a person may have to settle before anything goes on."""
        order = self.under_way
        is_lost = order is not None and order.state in LOCKING
        return order if is_lost and order and order.state != OrderState.SENDING else None

    @property
    def exposure(self) -> str:
        """In lots, by what the orders say is open; a leg that is gone does not count."""
        order = self.under_way
        if order is None:
            return self._settled_exposure
        return f"not known while “{order.words}” is {order.get_state_display()}; without it: " + (
            self._settled_exposure
        )

    @property
    def _settled_exposure(self) -> str:
        if not self.legs:
            return "none"
        net = {"A": Decimal(0), "B": Decimal(0)}
        for shown in self.legs:
            sign = 1 if shown.leg.side == Position.Side.BUY else -1
            net[shown.role] += sign * shown.lots
        return told(net["A"], net["B"])

    @property
    def profit(self) -> tuple[Decimal, str] | None:
        """Of all legs, and its currency; None when one is unknown or the currencies differ."""
        known = [shown.profit for shown in self.legs]
        currencies = {shown.account.currency for shown in self.legs}
        if not known or None in known or len(currencies) != 1:
            return None
        return sum((one for one in known if one is not None), Decimal(0)), currencies.pop()

    def _shown(self, leg: Leg, facts: Facts) -> ShownLeg:
        versus = self.versus
        on_a = leg.account_id == versus.account_a_id
        account = versus.account_a if on_a else versus.account_b
        position = leg.among(account.positions.all())
        lots = min(facts.held.get(leg.key, leg.volume), leg.volume)
        why = _why_unknown(account, position, self.now)
        return ShownLeg("A" if on_a else "B", leg, account, position, why, lots)

    # --- what comes -----------------------------------------------------------------------------
    @property
    def scheduled(self) -> list[Scheduled]:
        """None of one that went another way, whatever was to be done with it."""
        if self.state not in MAY_BEGIN:
            return []
        versus, zone = self.versus, zones.stored(self.versus.zone)
        times = (("Freeze", versus.freeze_at), ("Transfer", versus.transfer_at))
        return [
            Scheduled(label, at.astimezone(zone), f"in {formatting.span(at - self.now)}")
            for label, at in times
            if at is not None
        ]

    def _waits(self, facts: Facts) -> str:
        if self.versus.is_ended:
            return ""
        action = next_action(facts)
        if not isinstance(action, Wait):
            return ABOUT_TO
        due = self.versus.freeze_at if self.state == State.PENDING else self.versus.transfer_at
        waits_for_time = self.state in STARTS and due is not None
        return action.reason or ("" if waits_for_time else WAITS.get(self.state, ABOUT_TO))

    @property
    def acts(self) -> list[Act]:
        """Those that are safe in this state, and no others."""
        if self.versus.is_ended:
            return [buttons.ARCHIVE if self.versus.archived_at is None else buttons.RESTORE]
        closes = [buttons.CLOSE] if State.CLOSING in ALLOWED[self.state] else []
        takes = [buttons.TAKE] if self.is_orphaned else []
        return takes + STARTS.get(self.state, []) + closes

    @property
    def window(self) -> str:
        return formatting.span(self.versus.window)

    # --- what was -------------------------------------------------------------------------------
    @property
    def timeline(self) -> Timeline:
        return Timeline(list(self.versus.events.all()))

    @property
    def orders(self) -> list[Order]:
        return self._orders


def _why_unknown(account: Account, position: Position | None, now: datetime) -> str:
    if account.is_stale(now):
        return f"The figures of account {account.title} are old"
    if account.open_positions is None:
        return f"The positions of account {account.title} could not be read"
    if position is None and account.unreadable_positions:
        return f"Some positions of account {account.title} could not be read"
    return "" if position else "It is not among the positions that were read last"


def for_cards(versus: QuerySet[Versus]) -> QuerySet[Versus]:
    """With all that their cards show."""
    related = [f"account_{role}__{name}" for role in "ab" for name in ("agent", "firm")]
    positions = [f"account_{role}__positions" for role in "ab"]
    orders = Prefetch("orders", Order.objects.select_related("account").order_by("pk"))
    return versus.select_related("runner", *related).prefetch_related(*positions, orders, "events")


def cards(versus: Iterable[Versus], now: datetime) -> list[Card]:
    """By state, alarms first; of a state, the one first that has been in it longest."""
    made = [Card(one, now) for one in versus]
    return sorted(made, key=lambda c: (c.tone != "bad", ORDER.index(c.state), c.versus.since))
