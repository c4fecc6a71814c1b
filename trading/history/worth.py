"""What is known of an account's balance and equity over a time, and what moved money in it.

The balance is exact where deals are told and add up to it: their running sum, from the first one.
Otherwise, and for equity always, it is what was read and kept as equity points.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from accounts.models import Account, Agent
from mt5monitor.sums import ExactSum
from trading.history.equity import MINUTE, PAUSE
from trading.models import ClosedTrade, Deal, EquityPoint, EquityWatch

NOTHING = Decimal(0)
MONEY = ("profit", "swap", "commission", "fee")


@dataclass(frozen=True)
class Point:
    at: datetime
    value: Decimal | None
    """From `at` until the next point; None is not known."""


@dataclass(frozen=True)
class Operation:
    """A deposit, a withdrawal, a fee: money that no trade moved."""

    at: datetime
    type: str
    net: Decimal


@dataclass(frozen=True)
class Worth:
    start: datetime
    balance: list[Point]
    equity: list[Point]
    operations: list[Operation]
    is_exact: bool


def of(account: Account, start: datetime | None, end: datetime) -> Worth:
    """From `start`, or from the first that is known. Each series begins with what was known at
    that time; its last point holds until `end`."""
    deals = Deal.objects.of_balance().filter(account=account)
    is_exact = adds_up(account)
    start = start or _first(account, deals if is_exact else deals.none(), end)
    read = _points(account, start, end)
    told = _balance(deals, start) if is_exact else []
    return Worth(
        start,
        told or [Point(at, balance) for at, balance, _ in read],
        [Point(at, equity) for at, _, equity in read],
        _operations(account, start),
        is_exact,
    )


def adds_up(account: Account) -> bool:
    """Whether the deals that were told are all there ever were: they make the balance."""
    deals = Deal.objects.of_balance().filter(account=account)
    counts = deals.aggregate(all=Count("pk"), untimed=Count("pk", filter=Q(at=None)))
    if account.balance is None or not counts["all"] or counts["untimed"]:
        return False
    return _sum(deals) == account.balance


def unexplained(account: Account) -> Decimal | None:
    """Return the part of the balance that the history read so far does not explain: 0 where it
    explains all. None where that cannot be checked: the balance is not known or, with contract 1,
    which tells no deposits, the initial balance."""
    if account.balance is None:
        return None
    if account.agent is None or account.agent.contract == Agent.Contract.V2:
        return account.balance - _sum(Deal.objects.of_balance().filter(account=account))
    if account.initial_balance is None:
        return None
    closed = ClosedTrade.objects.filter(account=account).order_by()
    net = closed.aggregate(net=ExactSum("net"))["net"]
    return account.balance - account.initial_balance - (net or NOTHING)


def account_costs(account: Account) -> Decimal | None:
    """Return what was charged or paid for no position, such as a monthly commission; None: nothing
    is known of any."""
    known = _sums(Deal.objects.account_costs().filter(account=account))
    return sum(known, NOTHING) if known else None


def _sum(deals: QuerySet[Deal]) -> Decimal:
    return sum(_sums(deals), NOTHING)


def _sums(deals: QuerySet[Deal]) -> list[Decimal]:
    """Of each kind of money that is told."""
    sums = deals.order_by().aggregate(**{f"sum_{name}": ExactSum(name) for name in MONEY})
    return [value for value in sums.values() if value is not None]


def _first(account: Account, deals: QuerySet[Deal], end: datetime) -> datetime:
    points = EquityPoint.objects.filter(account=account).order_by("at")
    firsts = [rows.values_list("at", flat=True).first() for rows in (points, deals.order_by("at"))]
    return min((at for at in firsts if at is not None), default=end)


def _balance(deals: QuerySet[Deal], start: datetime) -> list[Point]:
    worth = _sum(deals.filter(at__lt=start))
    points = [Point(start, worth)] if deals.filter(at__lt=start).exists() else []
    rows = deals.filter(at__gte=start).order_by("at", "ticket")
    for at, *money in rows.values_list("at", *MONEY):
        worth += sum((part for part in money if part is not None), NOTHING)
        points.append(Point(at, worth))
    return points


def _operations(account: Account, start: datetime) -> list[Operation]:
    deals = Deal.objects.operations().filter(account=account, at__gte=start)
    return [Operation(deal.at, deal.type, deal.net) for deal in deals.order_by("at") if deal.at]


def _points(
    account: Account, start: datetime, end: datetime
) -> list[tuple[datetime, Decimal | None, Decimal | None]]:
    points = EquityPoint.objects.filter(account=account)
    within = points.filter(at__gte=start, at__lte=end).order_by("at")
    rows = list(within.values_list("at", "balance", "equity"))
    before = points.filter(at__lt=start).order_by("-at").first()
    if before is not None:
        rows.insert(0, (start, before.balance, before.equity))
    seen_at = EquityWatch.objects.values_list("seen_at", flat=True).first()
    if rows and seen_at is not None and end - seen_at > PAUSE:
        rows.append((max(seen_at + MINUTE, rows[-1][0]), None, None))  # nobody watches
    return rows
