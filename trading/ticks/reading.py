"""The evidence of one account's own rows: no other account's, for brokers differ."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import msgspec
from django.utils import timezone

from accounts.agents import SymbolSpec
from accounts.models import Account, Agent, Position
from trading.models import ClosedTrade
from trading.ticks.spec import with_verdict
from trading.ticks.trades import Trade
from trading.ticks.verdict import Basis, judge

LOOK_BACK = timedelta(days=90)
MOST = 60


def checked(account: Account, spec: SymbolSpec) -> SymbolSpec:
    """With tick size and value as far as they are known: by the terminal's own calculation before
    what the agent reports, and not where this account's trades or positions contradict both."""
    spec = _calculated(spec)
    closed = closed_trades(account, spec.symbol)
    held = list(Position.objects.filter(account=account, symbol=spec.symbol))
    prices = [*_deal_prices(closed), *_prices_of_positions(account, held)]
    verdict = judge(spec, prices, map(_trade, closed), map(_as_if_closed, held))
    return spec if verdict.basis == Basis.REPORTED else with_verdict(spec, verdict)


def _calculated(spec: SymbolSpec) -> SymbolSpec:
    """A terminal may report another tick value than it calculates with."""
    if spec.value_calculated is None or not spec.tick_size:
        return spec
    return msgspec.structs.replace(spec, tick_value=spec.value_calculated * spec.tick_size)


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


def _as_if_closed(held: Position) -> Trade:
    return Trade(held.side, held.open_price, held.current_price, held.volume, held.profit)


def _prices_of_positions(account: Account, held: list[Position]) -> Iterator[Decimal]:
    """The price at which a position opened is an average on an account that nets."""
    is_hedging = account.margin_mode == Account.MarginMode.HEDGING
    for position in held:
        yield position.current_price
        if is_hedging:
            yield position.open_price
