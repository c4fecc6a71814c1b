"""The machine finds what it is there for: each safeguard that is taken away makes it fail.

Takes a minute or two, so it runs when MACHINE_BITES=1 asks for it.
"""

import os
from typing import Any

import msgspec
import pytest
from django.db import DatabaseError
from hypothesis import HealthCheck, Phase
from hypothesis import settings as profile
from hypothesis.stateful import run_state_machine_as_test

from tests.trading.test_machine import Trading
from trading import journal, orders, outcomes, permits, wire
from trading.identity import new_magic, new_tag
from trading.models import Order
from trading.states import State

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(os.environ.get("MACHINE_BITES") != "1", reason="MACHINE_BITES=1 runs it"),
]


def no_claim(patch: pytest.MonkeyPatch) -> None:
    """Whoever is told to send sends, whatever state the row is in."""

    def claim(order: Order) -> bool:
        Order.objects.filter(pk=order.pk).update(state=State.SENDING)
        order.state = State.SENDING
        return True

    patch.setattr(orders, "_claim_in_turn", claim)


def unconditional_claim(patch: pytest.MonkeyPatch) -> None:
    """It looks at the row, and then writes whatever the row has become meanwhile."""
    real = journal.change

    def change(order: Order, to: State, text: str, **how: Any) -> bool:
        changed = bool(real(order, to, text, **how))
        if to == State.SENDING and not changed:
            Order.objects.filter(pk=order.pk).update(state=State.SENDING)
            order.state = to
            return True
        return changed

    patch.setattr(orders, "change", change)


def no_mark(patch: pytest.MonkeyPatch) -> None:
    """What is sent bears another tag and magic than the row."""
    real = wire.request

    def request(order: Order) -> Any:
        return msgspec.structs.replace(real(order), tag=new_tag(), magic=new_magic())

    patch.setattr(wire, "request", request)


def no_expiry(patch: pytest.MonkeyPatch) -> None:
    """The agent may send it at any time."""
    real = wire.request

    def request(order: Order) -> Any:
        late = order.valid_until.replace(year=2099)
        return msgspec.structs.replace(real(order), expires_at=late)

    patch.setattr(wire, "request", request)


def timeouts_are_failures(patch: pytest.MonkeyPatch) -> None:
    """An answer that did not come is taken for one that says no."""
    patch.setitem(outcomes.STATES, "unknown", State.REJECTED)


def no_switches(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(permits, "refusal", lambda order, now: "")
    patch.setattr(permits, "permitted", lambda now: Order.objects.all())


SAFEGUARDS = [no_claim, unconditional_claim, no_mark, no_expiry, timeouts_are_failures, no_switches]


@pytest.mark.parametrize("take_away", SAFEGUARDS)
def test_without_a_safeguard_the_machine_fails(
    take_away: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_away(monkeypatch)
    quick = profile(
        max_examples=1000,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    # Not the judge alone: the database may refuse what would follow.
    with pytest.raises((AssertionError, DatabaseError)):
        run_state_machine_as_test(Trading, settings=quick)
