"""One look at the closed trades of an account: what a query string asks for, and what answers."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from accounts.agents import symbol_name
from accounts.exports.table import Table
from accounts.fleet.column import in_file
from accounts.fleet.listing import Listing
from accounts.models import Account
from trading.history.chart import RANGES
from trading.history.statistics import Day, Statistics, days
from trading.history.trade_columns import TRADES
from trading.models import ClosedTrade, HistorySync

SIDES: Final = {"BUY": "Buy", "SELL": "Sell"}
RESULTS: Final = {"won": "Won", "lost": "Lost", "part": "Part open"}
YEARS = range(2000, 2101)
RANGE = "month"


class TradeList(Listing):
    """Days are those of settings.TIME_ZONE."""

    filters = ("symbol", "side", "result", "from", "to", "range")
    length = 40

    def __init__(self, account: Account, params: Mapping[str, str]) -> None:
        self.account = account
        super().__init__(params)

    def read(self, name: str) -> str:
        if name == "symbol":  # the broker's name of it, to the last space
            return symbol_name.kept(self.params.get(name, ""))
        return super().read(name)

    def check(self) -> None:
        self.choose("side", SIDES, "side", "all are shown")
        self.choose("result", RESULTS, "result", "all are shown")
        self.choose("range", RANGES, "range of the chart", "all are shown")
        self.first = self.parse("from", _day, "is no day; it was left out")
        self.last = self.parse("to", _day, "is no day; it was left out")

    @property
    def range(self) -> str:
        return self.values.get("range", RANGE)

    @property
    def is_filtered(self) -> bool:
        return bool(self.values.keys() - {"range"})

    @cached_property
    def trades(self) -> QuerySet[ClosedTrade]:
        trades = ClosedTrade.objects.filter(account=self.account)
        for name in ("symbol", "side"):
            if name in self.values:
                trades = trades.filter(**{name: self.values[name]})
        if self.first:
            trades = trades.filter(closed_at_or_guess__gte=beginning(self.first))
        if self.last:
            after = beginning(self.last + timedelta(days=1))
            trades = trades.filter(closed_at_or_guess__lt=after)
        return self._of_result(trades)

    def _of_result(self, trades: QuerySet[ClosedTrade]) -> QuerySet[ClosedTrade]:
        match self.values.get("result"):
            case "won":
                return trades.filter(net__gt=0, is_open=False)
            case "lost":
                return trades.filter(net__lt=0, is_open=False)
            case "part":
                return trades.filter(is_open=True)
        return trades

    @cached_property
    def statistics(self) -> Statistics:
        return Statistics.of(self.trades, self.days)

    @cached_property
    def days(self) -> list[Day]:
        return days(self.trades)

    def count(self) -> int:
        return self.statistics.count

    def rows(self) -> list[ClosedTrade]:
        return list(self.trades[self.page.slice])

    @cached_property
    def symbols(self) -> list[str]:
        """All that were traded, and the one that is asked for."""
        traded = ClosedTrade.objects.filter(account=self.account).order_by("symbol")
        names = list(traded.values_list("symbol", flat=True).distinct())
        asked = self.values.get("symbol")
        return names if not asked or asked in names else [*names, asked]


def trades_table(look: TradeList) -> Table[ClosedTrade]:
    """The trades of the list, on all its pages, as exports hold them."""
    sync = HistorySync.objects.filter(account=look.account).first()
    lacking = "-incomplete" if sync is not None and sync.is_complete is False else ""
    return table_of_trades(f"trades-{look.account.key}{lacking}", look.trades)


def table_of_trades(name: str, trades: QuerySet[ClosedTrade]) -> Table[ClosedTrade]:
    rows = trades.select_related("account__history_sync")
    return Table(name, in_file(TRADES, timezone.now()), rows)


def _day(text: str) -> date:
    """Raises ValueError also for a year that no trade was closed in."""
    day = date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError(text)
    return day


def beginning(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())
