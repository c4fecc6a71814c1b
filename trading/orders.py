"""The only door by which an order leaves.

    place()  the row is committed: QUEUED, or DENIED with the reason
    send()   claim, by one UPDATE -> the wire, once -> settle
    cancel() one that was not claimed yet

A row is sent at most once, ever: only the call whose UPDATE turned QUEUED into SENDING sends it.
Each step is a transaction of its own, so whatever stops us between two of them leaves a row that
says how far it came; reconcile.py goes on from there, and
settling.py where only a person knows the outcome.
"""

import logging
import time
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils import timezone

from accounts.agents import NotSent, client
from accounts.models import Account
from accounts.signin import proofs
from mt5monitor.clock import is_ahead
from mt5monitor.database import FAULTS, reconnect, words
from trading import permits, wire
from trading.journal import append, change
from trading.models import Order, Versus
from trading.outcomes import settle, settle_unsent
from trading.positions import find
from trading.recording import keep
from trading.sizing import Refused
from trading.states import State

log = logging.getLogger(__name__)

CLICK_VALID = timedelta(seconds=10)
TOO_LATE = "It could not be sent in time. Nothing was sent."
SET_BACK = "The clock was set back after it was placed. Nothing was sent."
LOOK_AGAIN_S = 0.02  # while another order of the account is under way
TRY_AGAIN_S = 0.25  # after the database failed: a full disk fails at once, each time with a line


class KeyTaken(Exception):
    """The same client_key asks for something else now: a mistake of the caller. Nothing is done."""


@dataclass(frozen=True, slots=True)
class Instruction:
    """What is asked of one account. `sl` and `tp` are prices; `volume` None closes all of it."""

    kind: str
    symbol: str
    side: str
    volume: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    position: int | None = None
    deviation: int = 20
    override_reason: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What a leg of a versus is: of which of its runs, and of which step."""

    versus: Versus
    run: int
    step: str


def place(
    account: Account,
    user: AbstractBaseUser,
    asked: Instruction,
    client_key: str,
    valid_for: timedelta = CLICK_VALID,
    part_of: Part | None = None,
    noted: Any = None,
) -> Order:
    """The order of this key: committed now, or the one that is there already. `noted` is kept with
    its first step. Raises KeyTaken, and Refused for figures that no row can hold."""
    _check_figures(asked)
    if order := Order.objects.filter(client_key=client_key).first():
        return _same(order, account, user, asked)
    try:
        with transaction.atomic(durable=True):
            columns = _columns(account, user, asked, client_key, valid_for)
            if part_of is None:
                columns |= proofs.of(user).credential_columns
            else:
                columns |= {"versus": part_of.versus, "run": part_of.run, "step": part_of.step}
                columns |= part_of.versus.proof.columns
            order = Order.objects.create(**columns)
            placed, who = f"Placed: {order.words}.", order.username
            append(order, placed, state=order.state, actor=who, data=noted)
            if why := permits.refusal(order, order.placed_at):
                change(order, State.DENIED, why)
    except IntegrityError:
        # Lost a race against the same key, or the row itself breaks a rule of the table.
        twin = Order.objects.filter(client_key=client_key).first()
        if twin is None:
            raise
        return _same(twin, account, user, asked)
    return order


def _check_figures(asked: Instruction) -> None:
    """SQLite would store them all the same, and no page of orders could read them back."""
    for name in ("volume", "sl", "tp"):
        value = getattr(asked, name)
        try:
            cast("models.DecimalField[Any, Any]", Order._meta.get_field(name)).run_validators(value)
        except ValidationError as error:
            raise Refused(f"{name} {value}: {' '.join(error.messages)}") from error


def _columns(
    account: Account,
    user: AbstractBaseUser,
    asked: Instruction,
    client_key: str,
    valid_for: timedelta,
) -> dict[str, Any]:
    agent, now = account.agent, timezone.now()
    return (
        asdict(asked)
        | _named(account, asked.position)
        | {
            "client_key": client_key,
            "overrides_lock": bool(asked.override_reason),
            "account": account,
            "login": account.number,
            "server": account.server,
            "agent": agent,
            "agent_name": agent.name if agent else "",
            "agent_url": agent.url if agent else "",
            "contract": agent.contract if agent else "1",
            "user": user,
            "username": user.get_username(),
            "placed_at": now,
            "valid_until": now + valid_for,
        }
    )


def _named(account: Account, number: int | None) -> dict[str, Any]:
    """The position of that number by the ticket that it has now, as far as we know it."""
    if number is None:
        return {}
    held = find(account.positions.named(number), number)
    if held is None:
        return {"position": number}
    return {"position": held.ticket, "position_identifier": held.identifier}


def _same(order: Order, account: Account, user: AbstractBaseUser, asked: Instruction) -> Order:
    before = Instruction(**{name: getattr(order, name) for name in asdict(asked)})
    if asked.position is not None and asked.position == order.position_identifier:
        asked = replace(asked, position=order.position)
    if (before, order.account_id, order.user_id) != (asked, account.pk, user.pk):
        raise KeyTaken("This form was sent before with other values. Open it anew.")
    return order


def send(order: Order) -> Order:
    """Claims, sends and settles; the row as it is then. Harmless when somebody else does it too."""
    if _claim_in_turn(order):
        _transmit(order)
    order.refresh_from_db()
    return order


def _claim_in_turn(order: Order) -> bool:
    """Waits while another order of the account is on its way, until this one expires."""
    # By a clock that is not set as well: turning the other back gives no more time.
    until = time.monotonic() + (order.valid_until - timezone.now()).total_seconds()
    while order.state == State.QUEUED:
        try:
            if time.monotonic() >= until:
                change(order, State.EXPIRED, TOO_LATE)
            elif _claim(order):
                return True
        except IntegrityError:
            # Of its own kind: an override does not wait for what it overrides.
            locking = Order.objects.locking().filter(account=order.account_id)
            rival = locking.filter(overrides_lock=order.overrides_lock).first()
            if rival is not None and rival.state != State.SENDING:
                why = f"The outcome of another order is unknown: {rival.words}. Settle it first."
                change(order, State.DENIED, why)
        except FAULTS as fault:
            # Should the claim be committed all the same, the row says so: then it is never sent.
            log.warning("Order %s could not be claimed: %s", order.tag, words(fault))
            reconnect()
            time.sleep(TRY_AGAIN_S)
            order.refresh_from_db()
        if order.state == State.QUEUED:
            # Also when it was looked at before something was switched off: the next look says so.
            time.sleep(LOOK_AGAIN_S)
            order.refresh_from_db()
    return False


def _claim(order: Order) -> bool:
    """Whether this call, and no other, may send it. Raises IntegrityError while the account is
    locked by another order."""
    now = timezone.now()
    with transaction.atomic(durable=True):
        if now >= order.valid_until:
            change(order, State.EXPIRED, TOO_LATE)
            return False
        if is_ahead(order.placed_at, now):
            change(order, State.EXPIRED, SET_BACK)
            return False
        if why := permits.refusal(order, now):
            change(order, State.DENIED, why)
            return False
        claimed = change(
            order,
            State.SENDING,
            f"Sent to agent {order.agent_name}.",
            among=permits.permitted(now),
            claimed_at=now,
            deadline=now + timedelta(seconds=client().limits.trade_deadline),
        )
    return claimed


def _transmit(order: Order) -> None:
    """Sends a claimed order, once, whatever happens."""
    try:
        answer = wire.trade(order)
    except NotSent as error:
        why = error.sentence
        keep(order, why, lambda: settle_unsent(order, why))
    except Exception:
        # Whatever this was, the order may have left: its outcome is unknown, and is looked for.
        log.exception("Order %s: sending failed in a way that it should not", order.tag)
        why = "The monitor failed while sending; it looks for the outcome."
        keep(order, why, lambda: change(order, State.UNKNOWN, why))
    else:
        keep(order, str(answer), lambda: settle(order, answer))


def cancel(order: Order, actor: str) -> bool:
    """Whether it was cancelled: one that is claimed, or ended, is left alone."""
    if order.state != State.QUEUED:
        return False
    return change(order, State.CANCELLED, "Cancelled before it was sent.", actor=actor)
