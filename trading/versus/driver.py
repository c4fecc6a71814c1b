"""Drives a versus: asks the plan what comes next, does it, and asks again until it has to wait.

Clicks and Celery beat call the same function. Two at once do no harm: each leg has a client_key of
its own, so both place the same order, which is sent once; each change of state is one UPDATE on
condition of the state before.
"""

import contextlib
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, NamedTuple, assert_never

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading import orders, quotes, sizing, ticks
from trading.models import Order, Versus
from trading.orders import Instruction, KeyTaken, Part
from trading.sizing import Refused
from trading.versus import levels
from trading.versus.actions import Action, Close, Move, Notice, Open, Protect, Send, Wait
from trading.versus.changes import REASON_LENGTH, append, change
from trading.versus.holdings import held
from trading.versus.legs import HALF_1, Leg, Legs
from trading.versus.plan import Facts, next_action
from trading.versus.states import State
from trading.versus.timeline import TICKS

log = logging.getLogger(__name__)

MOST_STEPS = 40  # more than any run has; a mistake of ours must not go round for ever
RETRY = timedelta(seconds=10)
QUOTE_LASTS_S = 2.0
# Where the agent does not tell a symbol's step and least volume (contract 1).
USUAL_STEP = Decimal("0.01")


class Quotes:
    """Remembers a quote for a moment: no leg stands alone while its counterpart's is asked for."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[float, SymbolSpec]] = {}

    def of(self, account: Account, symbol: str) -> SymbolSpec:
        """Raises Refused when it cannot be had."""
        key, now = (account.pk, symbol), time.monotonic()
        at, spec = self._known.get(key, (-QUOTE_LASTS_S, None))
        if spec is None or now - at > QUOTE_LASTS_S:
            spec = quotes.fresh(account, symbol)
            self._known[key] = time.monotonic(), spec
        return spec


def drive(versus: Versus) -> Wait:
    """Goes on until there is something to wait for, and returns what."""
    known = Quotes()
    for _ in range(MOST_STEPS):
        versus.refresh_from_db()
        action = next_action(facts(versus))
        if isinstance(action, Wait):
            return action
        if isinstance(action, Move) and versus.is_ended:
            return _reopen(versus, action)
        act(versus, action, known)
    log.error("Versus %s does not come to rest", versus.code)
    return Wait()


def facts(versus: Versus) -> Facts:
    legs = Legs(list(versus.orders.select_related("account").order_by("pk")))
    now = timezone.now()
    return Facts(versus, legs, held(legs, now), now)


def act(versus: Versus, action: Action, known: Quotes) -> None:
    """One step; whoever else does the same one at the same time does no harm."""
    match action:
        case Open():
            _open(versus, action, known)
        case Close():
            _close(versus, action)
        case Protect():
            _protect(versus, action, known)
        case Send(order=order):
            orders.send(order)
        case Move(to=to, reason=reason):
            change(versus, to, reason)
        case Notice(gone_at=gone_at):
            Versus.objects.filter(pk=versus.pk, gone_at=versus.gone_at).update(gone_at=gone_at)
        case Wait():
            pass
        case _:
            assert_never(action)


def _reopen(versus: Versus, move: Move) -> Wait:
    """Open again, so that it alarms and can be closed; its own record says so where one of its
    accounts is part of another versus by now."""
    try:
        change(versus, move.to, move.reason)
    except IntegrityError:
        text = f"{move.reason} Its accounts are part of another versus by now: close it there."
        log.error("Versus %s: %s", versus.code, text)
        told = Versus.objects.filter(pk=versus.pk).exclude(reason=text[:REASON_LENGTH])
        if told.update(reason=text[:REASON_LENGTH]):
            append(versus, text)
    return Wait(move.reason)


class Asked(NamedTuple):
    """What an order is to do; `proof`: how its tick was known, where it has stops in money."""

    instruction: Instruction
    proof: dict[str, Any] | None = None


# --- opening ------------------------------------------------------------------------------------
def _open(versus: Versus, action: Open, known: Quotes) -> None:
    account = versus.account_b if action.on_b else versus.account_a
    try:
        _place(versus, account, action.step, 1, lambda: _opening(versus, account, action, known))
    except Refused as refused:
        _give_up(versus, action.step, f"{action.step} on {account.title}: {refused}")


def _give_up(versus: Versus, step: str, text: str) -> None:
    """A leg that cannot even be placed has failed: what was opened before it is undone. Unless
    another driver could place it meanwhile; permits.py keeps it from placing it later."""
    with transaction.atomic():
        row = Versus.objects.select_for_update().filter(pk=versus.pk, state=versus.state)
        here = row.filter(run=versus.run, failed_step="").first()
        if here is None or here.orders.filter(run=here.run, step=step).exists():
            return
        here.failed_step, here.reason = step, text[:REASON_LENGTH]
        here.save(update_fields=["failed_step", "reason"])
        append(here, text, step=step)


def _opening(versus: Versus, account: Account, action: Open, known: Quotes) -> Asked:
    spec = known.of(account, versus.symbol_b if action.on_b else versus.symbol_a)
    volume = action.volume if action.volume is not None else first_half(versus.lots, spec)
    asked = opening(versus, action.on_b, action.side, volume, spec)
    has_stops = asked.sl is not None or asked.tp is not None
    return Asked(asked, ticks.proof_of(spec) if has_stops else None)


def opening(
    versus: Versus, on_b: bool, side: str, volume: Decimal, spec: SymbolSpec
) -> Instruction:
    """How a leg is opened at this quote. Raises Refused where its stops cannot be set."""
    symbol = versus.symbol_b if on_b else versus.symbol_a
    sl, tp = (versus.sl_b, versus.tp_b) if on_b else (versus.sl_a, versus.tp_a)
    share = volume / versus.lots  # a half has its part of the money
    cost = levels.commission(versus.commission_b if on_b else versus.commission_a, volume)
    leg = levels.Leg(side, volume, sizing.entry(side, spec), spec, cost)
    at_sl, at_tp = levels.stops(leg, part(sl, share), part(tp, share))
    sizing.check_stops(side, at_sl, at_tp, spec)
    return Instruction("open", symbol, side, volume, at_sl, at_tp)


def first_half(lots: Decimal, spec: SymbolSpec) -> Decimal:
    """Raises Refused for a volume that cannot be halved."""
    step = spec.volume_step or USUAL_STEP
    return sizing.halves(lots, step, spec.volume_min or step)[0]


def part(amount: Decimal | None, share: Decimal) -> Decimal | None:
    return None if amount is None else amount * share


# --- the legs that are there --------------------------------------------------------------------
def _close(versus: Versus, action: Close) -> None:
    leg = action.leg
    asked = Asked(Instruction("close", leg.symbol, leg.side, position=leg.identity))
    _place(versus, _account(versus, leg), action.step, action.attempt, lambda: asked)


def _protect(versus: Versus, action: Protect, known: Quotes) -> None:
    leg, account = action.leg, versus.account_a
    try:
        _place(
            versus, account, action.step, action.attempt, lambda: _protecting(versus, leg, known)
        )
    except Refused as refused:
        text = f"The stops of {leg} could not be set: {refused}"[:REASON_LENGTH]
        if versus.state == State.TRANSFERRING:
            change(versus, State.UNPROTECTED, text)
        # Not of one that somebody is closing by now: nothing may hold that up.
        row = Versus.objects.filter(pk=versus.pk, run=versus.run, state=State.UNPROTECTED)
        row.update(retry_at=timezone.now() + RETRY, reason=text)


def _protecting(versus: Versus, leg: Leg, known: Quotes) -> Asked:
    """B's stops, moved to A's prices; they are those of B's first half, which stands for both."""
    half = versus.orders.filter(run=versus.run, step=HALF_1).latest("pk")
    spec_b = known.of(versus.account_b, versus.symbol_b)
    spec_a = known.of(versus.account_a, versus.symbol_a)
    sl, tp = levels.mirror(leg.side, levels.Mirrored(half.sl, half.tp, spec_b), spec_a)
    sizing.check_stops(leg.side, sl, tp, spec_a)
    # Where B has none, A's leg keeps its own: to modify takes away what is not told.
    sl, tp = leg.sl if sl is None else sl, leg.tp if tp is None else tp
    return Asked(Instruction("modify", leg.symbol, leg.side, sl=sl, tp=tp, position=leg.identity))


def _account(versus: Versus, leg: Leg) -> Account:
    return versus.account_a if leg.account_id == versus.account_a_id else versus.account_b


# --- orders -------------------------------------------------------------------------------------
def _place(
    versus: Versus, account: Account, step: str, attempt: int, ask: Callable[[], Asked]
) -> None:
    """Raises Refused when the order cannot be made at all."""
    key = f"versus.{versus.code}.{versus.run}.{step}.{attempt}"
    order = Order.objects.filter(client_key=key).first()
    if order is None:
        part = Part(versus, versus.run, step)
        asked = ask()
        with contextlib.suppress(KeyTaken):  # by another driver, at another price: its order is it
            orders.place(account, versus.runner, asked.instruction, key, part_of=part)
        order = Order.objects.get(client_key=key)
        _tell(versus, order, attempt, asked.proof)
    orders.send(order)


def _tell(versus: Versus, order: Order, attempt: int, proof: dict[str, Any] | None) -> None:
    """In the timeline, once, whoever else drives it. What is tried every minute, as long as trading
    is off or a market closed, is told ever more rarely: attempts 1, 2, 4, 8 and so on."""
    if attempt & (attempt - 1):
        return
    again = f" Attempt {attempt}." if attempt > 1 else ""
    data = None if proof is None else {TICKS: proof}
    with transaction.atomic():  # locked: two drivers that look at the same time both find no event
        Versus.objects.select_for_update().get(pk=versus.pk)
        if not versus.events.filter(step=order.step, at__gte=order.placed_at).exists():
            append(versus, f"{order.words} on {order.where}.{again}", step=order.step, data=data)
