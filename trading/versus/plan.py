"""What comes next for a versus: a function of the stored rows, of what the accounts were seen to
hold, and of the time. It does nothing itself, so that it may be asked by anyone, at any moment.

While the outcome of any of its orders is awaited or unknown, nothing does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from mt5monitor.clock import is_ahead
from trading.models import Order, Versus
from trading.states import State as OrderState
from trading.versus import legs as steps
from trading.versus.actions import Action, Close, Move, Notice, Open, Protect, Send, Wait
from trading.versus.legs import Leg, Legs, has_failed, is_whole
from trading.versus.levels import other
from trading.versus.states import ENDED, State

FIRST_RETRY = timedelta(seconds=2)
LONGEST_RETRY = timedelta(seconds=60)
GONE_GRACE = timedelta(seconds=60)  # two brokers do not hit the same price at the same second


@dataclass(frozen=True, slots=True)
class Facts:
    """`held`: by leg, the lots that the broker still has; one that is not there is unknown."""

    versus: Versus
    legs: Legs
    held: Mapping[tuple[int, int], Decimal]
    now: datetime

    @property
    def open(self) -> list[Leg]:
        return self.legs.open + self.back

    @property
    def back(self) -> list[Leg]:
        """Legs that the order to close them did not find, and that the broker shows again."""
        return [leg for leg in self.legs.missed if self.held.get(leg.key)]


def next_action(facts: Facts) -> Action:
    order = facts.legs.under_way
    if order is not None:
        return _with_order(order)
    act = _BY_STATE.get(State(facts.versus.state))
    return act(facts) if act else Wait()


def _with_order(order: Order) -> Action:
    if order.state == OrderState.QUEUED:
        return Send(order)
    if order.state == OrderState.SENDING:
        return Wait(f"{order.words} on {order.where} is under way.")
    return Wait(f"The outcome of an order is unknown: {order.words} on {order.where}. Settle it.")


# --- congelar -----------------------------------------------------------------------------------
def _freezing(facts: Facts) -> Action:
    versus = facts.versus
    if failure := _failure(facts, steps.BUY, steps.SELL):
        return _undone(facts, failure)
    for step, side in ((steps.BUY, "BUY"), (steps.SELL, "SELL")):
        if facts.legs.last(versus.run, step) is None:
            return Open(step, False, side, versus.lots)
    return Move(
        State.FROZEN, f"{versus.lots.normalize():f} lots each way on {versus.account_a.title}."
    )


def _undone(facts: Facts, failure: str) -> Action:
    executed = any(steps.was_opened(order) for order in facts.legs.orders)
    to = State.COMPENSATED if executed else State.CANCELLED
    return _close_all(facts, facts.open) or Move(to, failure)


# --- transferir ---------------------------------------------------------------------------------
def _transferring(facts: Facts) -> Action:
    versus, legs = facts.versus, facts.legs
    first = legs.last(versus.run, steps.HALF_1)
    second = legs.last(versus.run, steps.HALF_2)
    if failure := _failure(facts, steps.HALF_1, steps.HALF_2):
        on_b = [leg for leg in facts.open if leg.account_id == versus.account_b_id]
        return _close_all(facts, on_b) or Move(State.FROZEN, failure)
    if first is None:
        return Open(steps.HALF_1, True, versus.side_b, None)
    if second is None:
        return Open(steps.HALF_2, True, versus.side_b, versus.lots - (first.volume or 0))
    return _beyond_the_pivot(facts)


def _beyond_the_pivot(facts: Facts) -> Action:
    """Only forward from here: the other leg of A is closed however often it takes."""
    leg = _of_a(facts, other(facts.versus.side_a))
    releasing = _close_all(facts, [leg], steps.RELEASE) if leg else None
    return releasing or _protect(facts)


def _protect(facts: Facts) -> Action:
    versus = facts.versus
    leg = _of_a(facts, versus.side_a)
    done = Move(State.TRANSFERRED, "One leg on A, its opposite on B.")
    if leg is None or (versus.sl_b is None and versus.tp_b is None):
        return done
    order = facts.legs.last(versus.run, steps.PROTECT)
    # One that did not find the leg is over once a reading does not show it either.
    is_gone = facts.held.get(leg.key) == 0
    if order is not None and (is_whole(order) or (is_gone and steps.is_over(order))):
        return done
    if order is not None and versus.state == State.TRANSFERRING:
        return Move(State.UNPROTECTED, f"{order.words} on {order.where}: {order.reason}")
    return _in_time(facts, steps.PROTECT) or Protect(
        steps.PROTECT, _next(facts, steps.PROTECT), leg
    )


def _of_a(facts: Facts, side: str) -> Leg | None:
    versus = facts.versus
    of_a = [leg for leg in facts.open if leg.account_id == versus.account_a_id]
    return next((leg for leg in of_a if leg.side == side), None)


# --- what brokers do meanwhile ------------------------------------------------------------------
def _frozen(facts: Facts) -> Action:
    if gone := _gone(facts):
        return Move(State.DIVERGED, f"Not open any more: {gone[0]}. Its schedule is halted.")
    return _with_one_too_many(facts) or _with_less(facts) or Wait()


def _watched(facts: Facts) -> Action:
    versus, gone = facts.versus, _gone(facts)
    if versus.state == State.DIVERGED and not any(map(steps.was_opened, facts.legs.orders)):
        return Wait()  # what it opened is unknown: the database was restored; see restored.py
    if len(gone) == len(facts.open):
        return Move(State.COMPLETED, "Every leg is closed.")
    uneven = _with_one_too_many(facts) or _with_less(facts)
    if uneven and versus.state != State.DIVERGED:
        return uneven
    if not gone:
        return Notice(None) if versus.gone_at else Wait()
    if versus.gone_at is None or is_ahead(versus.gone_at, facts.now):
        return Notice(facts.now)
    if versus.state != State.DIVERGED and facts.now > versus.gone_at + GONE_GRACE:
        left = [str(leg) for leg in facts.open if leg not in gone]
        return Move(State.DIVERGED, f"Not open any more: {gone[0]}. Still open: {left[0]}.")
    return Wait()


def _unprotected(facts: Facts) -> Action:
    watched = _watched(facts)
    return _protect(facts) if isinstance(watched, Wait) else watched


def _with_one_too_many(facts: Facts) -> Move | None:
    """B holds a half that was given up and executed after all, or a leg is there again."""
    versus = facts.versus
    runs = set() if versus.state == State.FROZEN else {versus.run}
    for leg in facts.back:
        return Move(State.DIVERGED, f"Open, although its close did not find it: {leg}.")
    for leg in facts.open:
        held = facts.held.get(leg.key) != 0
        if held and leg.account_id == versus.account_b_id and leg.run not in runs:
            return Move(State.DIVERGED, f"Executed after it was given up: {leg}.")
    return None


def _with_less(facts: Facts) -> Move | None:
    """A leg that was closed in part, by hand: what is left does not balance its counterpart."""
    for leg in facts.open:
        lots = facts.held.get(leg.key)
        if lots and lots < leg.volume:
            text = f"Closed in part: of {leg}, {lots.normalize():f} lots are left."
            return Move(State.DIVERGED, text)
    return None


def _ended(facts: Facts) -> Move | Wait:
    """Nothing is left to do, unless an order of it was executed after all since, or a leg that was
    not among the positions is there again: a terminal that starts may show none for a while."""
    ended = facts.versus.ended_at
    for leg in facts.open:
        late = ended is not None and leg.since is not None and leg.since > ended
        if late and facts.held.get(leg.key) != 0:
            return Move(State.DIVERGED, f"Executed after this versus had ended: {leg}.")
        if facts.held.get(leg.key):
            return Move(State.DIVERGED, f"Open, although this versus has ended: {leg}.")
    return Wait()


def _gone(facts: Facts) -> list[Leg]:
    return [leg for leg in facts.open if facts.held.get(leg.key) == 0]


# --- closing ------------------------------------------------------------------------------------
def _closing(facts: Facts) -> Action:
    return _close_all(facts, facts.open) or Move(State.CLOSED, facts.versus.reason)


def _close_all(facts: Facts, legs: Sequence[Leg], step: str = "") -> Action | None:
    """The last that was opened first; None when there is nothing left. One that the broker was
    seen not to have any more, after a stop or a hand at the terminal, is closed."""
    for leg in reversed([leg for leg in legs if facts.held.get(leg.key) != 0]):
        return _close(facts, step or f"close-{leg.step}", leg)
    return None


def _close(facts: Facts, step: str, leg: Leg) -> Action:
    return _in_time(facts, step) or Close(step, _next(facts, step), leg)


def _next(facts: Facts, step: str) -> int:
    """Number of the next attempt: whoever plans by the same rows makes the same one."""
    return len(facts.legs.attempts(facts.versus.run, step)) + 1


def _in_time(facts: Facts, step: str) -> Wait | None:
    """A step that must not fail is tried again and again, more and more rarely."""
    attempts = facts.legs.attempts(facts.versus.run, step)
    due = facts.versus.retry_at
    if attempts and (ended := attempts[-1].ended_at):
        after = ended + min(FIRST_RETRY * 2 ** (len(attempts) - 1), LONGEST_RETRY)
        due = max(due, after) if due else after
    # Never so far ahead, unless the clock was set back since.
    if due is None or facts.now >= due or is_ahead(due - LONGEST_RETRY, facts.now):
        return None
    why = attempts[-1].reason if attempts else facts.versus.reason
    return Wait(f"Tried again at {due:%H:%M:%S} UTC. {why}")


def _failure(facts: Facts, *opening: str) -> str:
    """Why one of these steps, which open legs, has failed; empty when none has. Once what they
    opened is being closed, that is gone through with, although one may turn out to be executed."""
    versus, legs = facts.versus, facts.legs
    for step in opening:
        order = legs.last(versus.run, step)
        if order is None and versus.failed_step == step:
            return versus.reason
        if order is not None and has_failed(order) and not is_whole(order):
            return f"{order.words} on {order.where}: {order.reason}"
    undoing = any(legs.attempts(versus.run, f"close-{step}") for step in opening)
    return "A step had failed; what it opened after all is closed as well." if undoing else ""


_BY_STATE = {
    State.FREEZING: _freezing,
    State.FROZEN: _frozen,
    State.TRANSFERRING: _transferring,
    State.UNPROTECTED: _unprotected,
    State.TRANSFERRED: _watched,
    State.DIVERGED: _watched,
    State.CLOSING: _closing,
    **dict.fromkeys(ENDED, _ended),
}
