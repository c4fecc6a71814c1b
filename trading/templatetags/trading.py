"""What trading adds to pages, its own and those of accounts."""

from decimal import Decimal
from typing import Any

from django import template

from accounts.models import Account
from trading.diagram import EXECUTED, State
from trading.models import Order
from trading.orderlist import OrderList
from trading.switching import shown_to

register = template.Library()
ORDERS_SHOWN = 8
UNDER_WAY = frozenset({State.QUEUED, State.SENDING})


@register.inclusion_tag("trading/_switch.html", takes_context=True)
def trading_switch(context: template.Context) -> dict[str, Any]:
    """The state of trading, for those who trade or may stop it; one query."""
    return shown_to(context["user"])


@register.inclusion_tag("trading/_account_orders.html")
def account_orders(account: Account) -> dict[str, Any]:
    """The last orders of an account; depends on no user."""
    orders = Order.objects.filter(account=account)
    return {"account": account, "orders": list(orders[:ORDERS_SHOWN])}


@register.inclusion_tag("trading/_lost_orders.html")
def lost_orders(account: Account) -> dict[str, Any]:
    """Those whose outcome is lost, loudly; depends on no user."""
    lost = Order.objects.filter(account=account, state__in=[State.UNKNOWN, State.NEEDS_ATTENTION])
    return {"lost": list(lost.order_by("placed_at"))}


@register.filter
def tone(order: Order) -> str:
    """good: executed; wait: under way; lost: a person may have to look; none: did not happen."""
    if order.state in (State.UNKNOWN, State.NEEDS_ATTENTION, State.LATE_FILL):
        return "lost"
    if order.state in UNDER_WAY:
        return "wait"
    return "good" if order.state in EXECUTED else "none"


@register.filter
def state_words(state: str) -> str:
    """As everywhere else on the pages; empty for a step that changed no state."""
    return State(state).label if state in State.values else state


@register.filter
def typed(value: Decimal | None) -> str:
    """A number as its field takes it: no grouping, no zeros behind it; empty for none."""
    return "" if value is None or value == "" else f"{value.normalize():f}"


@register.filter
def signed_pips(value: Decimal) -> str:
    return f"{value:+}" if value else "0"


@register.filter
def split_words(text: str) -> list[str]:
    return text.split()


@register.simple_tag
def look_query(look: OrderList, page: str) -> str:
    """A link to another page of the same look."""
    return look.query(page=page)
