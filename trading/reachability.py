"""Whether a reading can confirm the outcome of an order now."""

from datetime import datetime

from django.utils import timezone

from trading.models import Order
from trading.states import LOCKING, State

UNREACHABLE = (
    "The agent cannot be reached, so the monitor cannot check what the account holds. Look at the "
    "MT5 terminal, or wait until the agent is back."
)


def unchecked(order: Order, now: datetime | None = None) -> str:
    """Return why nothing that the monitor shows can confirm the outcome of an order that waits for
    it; empty when its account is being read."""
    if order.state not in LOCKING or order.state == State.SENDING:
        return ""
    return UNREACHABLE if order.account.is_stale(now or timezone.now()) else ""
