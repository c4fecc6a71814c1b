"""What trading a symbol costs on an account, by its own deals: no agent tells that beforehand."""

import logging
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.agents import AgentError, Deal
from accounts.models import Account
from trading import wire

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=30)
CENT = Decimal("0.01")
TRADES = ("BUY", "SELL")


def per_lot(account: Account, symbol: str) -> Decimal | None:
    """Of one lot, in and out, in the currency of the account: 0 or less. None where the last month
    does not tell, or the agent could not be asked."""
    try:
        return rate(wire.deals_of(account, LOOK_BACK, timezone.now()), symbol)
    except (AgentError, TimeoutError) as error:
        log.info("The commission of %s on %s is not known: %s", symbol, account.number, error)
        return None


def rate(deals: Sequence[Deal], symbol: str) -> Decimal | None:
    """Contract 2 tells deals in and deals out, each with its part; contract 1 closed trades, each
    with the whole of it."""
    ours = [deal for deal in deals if deal.symbol == symbol and deal.type in TRADES and deal.volume]
    entries = _of_a_lot([deal for deal in ours if deal.entry == "IN"])
    exits = _of_a_lot([deal for deal in ours if deal.entry != "IN"])
    tells_whole_trades = all(deal.ticket is None for deal in ours)
    if exits is None or (entries is None and not tells_whole_trades):
        return None
    return min((entries or Decimal(0)) + exits, Decimal(0)).quantize(CENT)


def _of_a_lot(deals: Sequence[Deal]) -> Decimal | None:
    told = [deal for deal in deals if deal.commission is not None]
    lots = sum((deal.volume for deal in told), Decimal(0))
    if not lots:
        return None
    cost = sum(((deal.commission or 0) + (deal.fee or 0) for deal in told), Decimal(0))
    return cost / lots
