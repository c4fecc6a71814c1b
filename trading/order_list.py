"""One look at the journal: what a query string asks for, and the orders that answer to it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from urllib.parse import urlencode

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils import timezone

from accounts.fleet.paging import Page
from accounts.keys import is_key
from mt5monitor.text import clean
from trading.models import Order
from trading.states import State

LENGTH = 150
USERS_OFFERED = 200
ATTENTION = frozenset({State.UNKNOWN, State.NEEDS_ATTENTION, State.LATE_FILL})
LATE_SHOWN = timedelta(days=2)


def wanting(now: datetime) -> QuerySet[Order]:
    """Orders that somebody has to look at, the oldest first."""
    lost = Order.objects.filter(state__in=[State.UNKNOWN, State.NEEDS_ATTENTION])
    late = Order.objects.filter(state=State.LATE_FILL, ended_at__gt=now - LATE_SHOWN)
    return (lost | late).order_by("placed_at")


@dataclass
class OrderList:
    """`problems` tells what the query could not mean."""

    params: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        texts = {name: clean(self.params.get(name, ""), LENGTH) for name in self.params}
        self.state, self.user = texts.get("state", ""), texts.get("user", "")
        self.account, self.day = texts.get("account", ""), texts.get("day", "")
        if self.state and self.state not in State.values:
            self.problems.append(f"There is no state “{self.state}”; all states are shown.")
            self.state = ""
        if self.account and not is_key(self.account):
            self.problems.append(f"“{self.account}” is no account number; all are shown.")
            self.account = ""
        if self.day and self.date is None:
            self.problems.append(f"“{self.day}” is no day; all days are shown.")
            self.day = ""

    @property
    def date(self) -> date | None:
        try:
            return date.fromisoformat(self.day)
        except ValueError:
            return None

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

    @cached_property
    def page(self) -> Page:
        return Page.asked(self.params.get("page", ""), self.orders.count(), self.problems)

    def rows(self) -> QuerySet[Order]:
        return self.orders.select_related("account__agent")[self.page.slice]

    @property
    def is_filtered(self) -> bool:
        return bool(self.state or self.account or self.user or self.day)

    @property
    def states(self) -> list[tuple[str, str]]:
        return [(value, label.capitalize()) for value, label in State.choices]

    @property
    def users(self) -> list[str]:
        users = get_user_model().objects.filter(orders__isnull=False).distinct()
        names = list(users.order_by("username").values_list("username", flat=True)[:USERS_OFFERED])
        return names if not self.user or self.user in names else [*names, self.user]

    def query(self, **changes: str) -> str:
        """The query string of this look with `changes`; a page is kept only when it is given."""
        values = {"state": self.state, "account": self.account, "user": self.user, "day": self.day}
        return "?" + urlencode({n: value for n, value in (values | changes).items() if value})


def _next(begins: datetime) -> datetime:
    try:
        return begins + timedelta(days=1)
    except OverflowError:  # the last day there is
        return datetime.max.replace(tzinfo=begins.tzinfo)
