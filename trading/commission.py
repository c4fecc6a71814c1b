"""What trading a symbol costs on an account, by its own history: no agent tells that beforehand."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account
from mt5monitor.sums import ExactSum
from trading import history
from trading.models import ClosedTrade, Deal
from trading.models.history import COMMISSIONS, TRADES
from trading.sizing import FINEST_MONEY

log = logging.getLogger(__name__)

LOOK_BACK = timedelta(days=30)
PATIENCE_S = 10.0


def per_lot(account: Account, symbol: str) -> Decimal | None:
    """Of one lot, in and out, in the currency of the account: negative, or positive where the
    broker pays a rebate. None where the last month does not tell. History that is due is read
    first; when that fails, the rows are still the best there is."""
    outcome = history.sync_if_due(account, deadline_s=PATIENCE_S)
    if outcome is not None and not outcome.ok:
        log.info("The history of %s is old: %s", account.number, outcome.sentence)
    return known(account, symbol)


def known(account: Account, symbol: str) -> Decimal | None:
    """The same, by the rows as they are: nobody is asked and nothing is written."""
    return rate(account, symbol, timezone.now() - LOOK_BACK)


def rate(account: Account, symbol: str, since: datetime) -> Decimal | None:
    """Contract 2 tells deals in and deals out, each with its part; contract 1 closed trades, each
    with the whole of it."""
    deals = Deal.objects.filter(account=account, symbol=symbol, at__gte=since, volume__gt=0)
    told = deals.filter(type__in=TRADES, commission__isnull=False)
    entries = _of_a_lot(told.filter(entry="IN"), "volume")
    exits = _of_a_lot(told.exclude(entry="IN"), "volume")
    if entries is None and exits is None:
        entries, exits = Decimal(0), _of_closed_trades(account, symbol, since)
    if entries is None or exits is None:
        return None
    return (entries + exits + _charged_apart(account, told)).quantize(FINEST_MONEY)


def _charged_apart(account: Account, trades: QuerySet[Deal]) -> Decimal:
    """By deals of their own type, for a lot of the positions that these trades opened."""
    entries = trades.filter(entry="IN", position_id__isnull=False)
    lots = entries.aggregate(lots=ExactSum("volume"))["lots"]
    if not lots:
        return Decimal(0)
    charges = Deal.objects.filter(
        account=account, type__in=COMMISSIONS, position_id__in=entries.values("position_id")
    )
    sums = charges.aggregate(**{name: ExactSum(name) for name in ("profit", "commission", "fee")})
    return sum((Decimal(value or 0) for value in sums.values()), Decimal(0)) / Decimal(lots)


def _of_closed_trades(account: Account, symbol: str, since: datetime) -> Decimal | None:
    """Those whose opening is told, for its part belongs to it."""
    closed = ClosedTrade.objects.filter(
        account=account, symbol=symbol, contract="1", closed_at_or_guess__gte=since
    )
    whole = closed.filter(entry_price__isnull=False, commission__isnull=False, volume_closed__gt=0)
    return _of_a_lot(whole, "volume_closed")


def _of_a_lot(rows: QuerySet[Deal] | QuerySet[ClosedTrade], volume: str) -> Decimal | None:
    sums = rows.aggregate(lots=ExactSum(volume), paid=ExactSum("commission"), fees=ExactSum("fee"))
    if not sums["lots"]:
        return None
    cost = Decimal(sums["paid"] or 0) + Decimal(sums["fees"] or 0)
    return cost / Decimal(sums["lots"])
