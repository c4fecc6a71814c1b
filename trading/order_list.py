"""One look at the journal: what a query string asks for, and the orders that answer to it."""

from datetime import date, datetime, time, timedelta
from functools import cached_property

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone

from accounts.exports.table import Table
from accounts.fleet.column import in_file
from accounts.fleet.listing import Listing
from accounts.keys import is_key
from trading.models import Order
from trading.order_columns import ORDERS
from trading.states import LOST, State

USERS_OFFERED = 200
LATE_SHOWN = timedelta(days=2)


def wanting(now: datetime) -> QuerySet[Order]:
    """Orders that somebody has to look at, the oldest first."""
    lost = Order.objects.filter(state__in=LOST)
    late = Order.objects.filter(state=State.LATE_FILL, ended_at__gt=now - LATE_SHOWN)
    return (lost | late).order_by("placed_at")


class OrderList(Listing):
    """Days are those of settings.TIME_ZONE."""

    filters = ("state", "account", "user", "day")
    length = 150

    def check(self) -> None:
        self.choose("state", State.values, "state", "all states are shown")
        if "account" in self.values and not is_key(self.values["account"]):
            problem = f"“{self.values['account']}” is no account number; all are shown."
            self.leave_out("account", problem)
        self.date = self.parse("day", date.fromisoformat, "is no day; all days are shown")
        self.state, self.account = self.values.get("state", ""), self.values.get("account", "")
        self.user, self.day = self.values.get("user", ""), self.values.get("day", "")

    @cached_property
    def orders(self) -> QuerySet[Order]:
        orders = Order.objects.all()
        if self.state:
            orders = orders.filter(state=self.state)
        if self.account:
            login, _, account = self.account.partition("-")
            orders = orders.filter(login=int(login), **({"account": account} if account else {}))
        if self.user:
            orders = orders.filter(username=self.user)
        if self.date:
            begins = datetime.combine(self.date, time(), tzinfo=timezone.get_default_timezone())
            orders = orders.filter(placed_at__gte=begins, placed_at__lt=_next(begins))
        return orders

    def count(self) -> int:
        return self.orders.count()

    def rows(self) -> QuerySet[Order]:
        return self.orders.select_related("account__agent")[self.page.slice]

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(value, label.capitalize()) for value, label in State.choices]

    @property
    def users(self) -> list[str]:
        users = get_user_model().objects.filter(orders__isnull=False).distinct()
        names = list(users.order_by("username").values_list("username", flat=True)[:USERS_OFFERED])
        return names if not self.user or self.user in names else [*names, self.user]


def orders_table(look: OrderList) -> Table[Order]:
    """The orders of the list, on all its pages, as exports hold them."""
    return Table("orders", in_file(ORDERS, timezone.now()), look.orders)


def _next(begins: datetime) -> datetime:
    try:
        return begins + timedelta(days=1)
    except OverflowError:  # the last day there is
        return datetime.max.replace(tzinfo=begins.tzinfo)
