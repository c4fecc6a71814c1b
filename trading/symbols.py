"""Names of symbols to choose from: agents have no list of all that a broker offers."""

from datetime import timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import Account, Position
from trading.models import Order

OFFERED = 200
TRADED_WITHIN = timedelta(days=90)


def of_account(account: Account) -> list[str]:
    """Those that it holds or traded, and those that any other holds."""
    return _sorted(Order.objects.filter(account=account))


def of_fleet() -> list[str]:
    """Those that any account holds, or traded lately."""
    return _sorted(Order.objects.filter(placed_at__gt=timezone.now() - TRADED_WITHIN))


def _sorted(orders: QuerySet[Order]) -> list[str]:
    traded = orders.order_by().values_list("symbol", flat=True).distinct()
    held = Position.objects.order_by().values_list("symbol", flat=True).distinct()
    return sorted({*traded[:OFFERED], *held[:OFFERED]})
