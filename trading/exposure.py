"""What the fleet holds: every open position, with sums for each symbol. Stale ones are left out."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from django.db.models import QuerySet

from accounts.fleet.totals import Money
from accounts.models import Account, Position
from accounts.models.unreadable import UnreadablePosition


@dataclass(frozen=True, slots=True)
class Held:
    position: Position
    stale: bool


@dataclass(slots=True)
class SymbolTotal:
    """Lots and profit of one symbol, as brokers name it, over the accounts with fresh figures."""

    symbol: str
    positions: int = 0
    stale: int = 0
    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)
    accounts: set[int] = field(default_factory=set)
    profit: Money = field(default_factory=Money)

    @property
    def net(self) -> Decimal:
        """Lots bought minus lots sold."""
        return self.bought - self.sold

    @property
    def side(self) -> str:
        if not self.net:
            return "flat"
        return "long" if self.net > 0 else "short"

    def add(self, held: Held) -> None:
        if held.stale:
            self.stale += 1
            return
        position = held.position
        self.positions += 1
        self.accounts.add(position.account_id)
        if position.side == Position.Side.BUY:
            self.bought += position.volume
        else:
            self.sold += position.volume
        self.profit.add(position.account.currency, position.profit, 1)


@dataclass(slots=True)
class Exposure:
    held: list[Held]
    totals: list[SymbolTotal]
    profit: Money

    @property
    def stale(self) -> int:
        return sum(one.stale for one in self.held)

    @property
    def fresh(self) -> int:
        return len(self.held) - self.stale

    @property
    def accounts(self) -> int:
        return len({one.position.account_id for one in self.held})


def positions(symbol: str = "", account: int | None = None) -> QuerySet[Position]:
    """Of the whole fleet, of one symbol, or of the account of a number, in the order of the
    page."""
    rows = Position.objects.select_related("account__agent", "account__phase")
    if account is not None:
        rows = rows.filter(account__number=account)
    if symbol:
        rows = rows.filter(symbol=symbol)
    return rows.order_by("symbol", "account__number", "account", "ticket")


def unreadable(account: int | None = None) -> list[tuple[Account, UnreadablePosition]]:
    """Open positions that are in no sum, for their figures could not be read; one query."""
    accounts = Account.objects.exclude(unreadable_positions=[]).select_related("agent")
    accounts = accounts.order_by("number", "pk")
    if account is not None:
        accounts = accounts.filter(number=account)
    return [(account, one) for account in accounts for one in account.unreadable]


def exposure(now: datetime, symbol: str = "", account: int | None = None) -> Exposure:
    """Of the whole fleet, of one symbol, or of one account; one query."""
    rows = positions(symbol, account)
    held = [Held(position, position.account.is_stale(now)) for position in rows]
    totals: dict[str, SymbolTotal] = defaultdict(lambda: SymbolTotal(""))
    profit = Money()
    for one in held:
        total = totals[one.position.symbol]
        total.symbol = one.position.symbol
        total.add(one)
        if not one.stale:
            profit.add(one.position.account.currency, one.position.profit, 1)
    return Exposure(held, list(totals.values()), profit)
