"""The evidence of one account's own rows: no other account's, for brokers differ."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

from django.utils import timezone

from accounts.agents import SymbolSpec
from accounts.models import Account, Agent, Position
from trading.models import ClosedTrade
from trading.ticks.spec import with_verdict
from trading.ticks.trades import Trade
from trading.ticks.verdict import judge

LOOK_BACK = timedelta(days=90)
MOST = 60


def checked(account: Account, spec: SymbolSpec) -> SymbolSpec:
    """With tick size and value as far as they are known, where the agent does not report both."""
    if spec.tick_size and spec.tick_value:
        return spec
    closed = closed_trades(account, spec.symbol)
    prices = [*_deal_prices(closed), *_prices_of_positions(account, spec.symbol)]
    return with_verdict(spec, judge(spec, prices, [_trade(row) for row in closed]))


def closed_trades(account: Account, symbol: str) -> list[ClosedTrade]:
    """Whole ones, as far as that is told, newest first."""
    rows = ClosedTrade.objects.filter(account=account, symbol=symbol, is_open=False)
    since = timezone.now() - LOOK_BACK
    rows = rows.filter(entry_price__isnull=False, closed_at_or_guess__gte=since)
    return list(rows.order_by("-closed_at_or_guess", "-position_id")[:MOST])


def _trade(row: ClosedTrade) -> Trade:
    entry = row.entry_price or Decimal(0)
    return Trade(row.side, entry, row.exit_price, row.volume_closed, row.profit)


def _deal_prices(rows: list[ClosedTrade]) -> Iterator[Decimal]:
    """Contract 1 tells prices of deals; what is made of deals of contract 2 has averages."""
    for row in rows:
        if row.contract == Agent.Contract.V1 and row.entry_price is not None:
            yield row.entry_price
            yield row.exit_price


def _prices_of_positions(account: Account, symbol: str) -> Iterator[Decimal]:
    """The price at which a position opened is an average on an account that nets."""
    held = Position.objects.filter(account=account, symbol=symbol)
    is_hedging = account.margin_mode == Account.MarginMode.HEDGING
    for opened, current in held.values_list("open_price", "current_price"):
        yield current
        if is_hedging:
            yield opened
