"""One look at the closed trades of an account: what a query string asks for, and what answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from typing import Final
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.utils import timezone

from accounts.agents import symbol_name
from accounts.fleet.paging import Page
from accounts.models import Account
from mt5monitor.text import clean
from trading.history.chart import RANGES
from trading.history.statistics import Day, Statistics, days
from trading.models import ClosedTrade

LENGTH = 40
SIDES: Final = {"BUY": "Buy", "SELL": "Sell"}
RESULTS: Final = {"won": "Won", "lost": "Lost", "part": "Part open"}
NAMES = ("symbol", "side", "result", "from", "to", "range")
YEARS = range(2000, 2101)
RANGE = "month"


@dataclass
class TradeList:
    """`problems` tells what the query could not mean. Days are those of settings.TIME_ZONE."""

    account: Account
    params: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.values = {name: clean(self.params.get(name, ""), LENGTH) for name in NAMES}
        self.values["symbol"] = symbol_name.kept(self.params.get("symbol", ""))
        self._choose("side", SIDES, "side")
        self._choose("result", RESULTS, "result")
        self._choose("range", RANGES, "range of the chart")
        self.first, self.last = self._day("from"), self._day("to")

    def _choose(self, name: str, choices: Mapping[str, str], what: str) -> None:
        if self.values[name] and self.values[name] not in choices:
            self.problems.append(f"There is no {what} “{self.values[name]}”; all are shown.")
            self.values[name] = ""

    def _day(self, name: str) -> date | None:
        text = self.values[name]
        try:
            day = date.fromisoformat(text) if text else None
        except ValueError:
            day = None
        if text and (day is None or day.year not in YEARS):
            self.problems.append(f"“{text}” is no day; it was left out.")
            self.values[name], day = "", None
        return day

    @property
    def range(self) -> str:
        return self.values["range"] or RANGE

    @property
    def is_filtered(self) -> bool:
        return any(value for name, value in self.values.items() if name != "range")

    @cached_property
    def trades(self) -> QuerySet[ClosedTrade]:
        trades = ClosedTrade.objects.filter(account=self.account)
        for name in ("symbol", "side"):
            if self.values[name]:
                trades = trades.filter(**{name: self.values[name]})
        if self.first:
            trades = trades.filter(closed_at_or_guess__gte=beginning(self.first))
        if self.last:
            after = beginning(self.last + timedelta(days=1))
            trades = trades.filter(closed_at_or_guess__lt=after)
        return self._of_result(trades)

    def _of_result(self, trades: QuerySet[ClosedTrade]) -> QuerySet[ClosedTrade]:
        match self.values["result"]:
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

    @cached_property
    def page(self) -> Page:
        return Page.asked(self.params.get("page", ""), self.statistics.count, self.problems)

    def rows(self) -> list[ClosedTrade]:
        return list(self.trades[self.page.slice])

    @cached_property
    def symbols(self) -> list[str]:
        """All that were traded, and the one that is asked for."""
        traded = ClosedTrade.objects.filter(account=self.account).order_by("symbol")
        names = list(traded.values_list("symbol", flat=True).distinct())
        asked = self.values["symbol"]
        return names if not asked or asked in names else [*names, asked]

    def query(self, **changes: str) -> str:
        """The query string of this look with `changes`; a page is kept only when it is given."""
        values = {name: value for name, value in (self.values | changes).items() if value}
        return f"?{urlencode(values)}" if values else "?"


def beginning(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=timezone.get_default_timezone())
