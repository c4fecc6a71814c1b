"""What trading adds to pages, its own and those of accounts."""

from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html

from accounts.fleet import formatting
from accounts.models import Account
from trading.history.worth import Operation
from trading.models import Deal, Order
from trading.states import EXECUTED, LOST, UNDER_WAY, State
from trading.switching import shown_to

register = template.Library()
ORDERS_SHOWN = 8


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
    lost = Order.objects.filter(account=account, state__in=LOST)
    return {"lost": list(lost.order_by("placed_at"))}


@register.filter
def tone(order: Order) -> str:
    """good: executed; wait: under way; lost: a person may have to look; none: did not happen."""
    if order.state in LOST or order.state == State.LATE_FILL:
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


# How positions end, in MT5's words and in ours.
ENDS = {
    "SL": "stop-loss",
    "TP": "take-profit",
    "SO": "stop out",
    "CLIENT": "by hand",
    "MOBILE": "by hand, phone",
    "WEB": "by hand, browser",
    "EXPERT": "a program",
    "VMARGIN": "variation margin",
}


@register.filter
def ended_by(reason: str) -> str:
    """The reason of a deal that closed; a new word of MT5's as it is."""
    if not reason:
        return formatting.unknown("The agent does not tell")
    return ENDS.get(reason, reason.replace("_", " ").lower())


@register.filter
def moved_by(deal: Deal | Operation) -> str:
    """What moved money without a trade; MT5 calls deposits and withdrawals both BALANCE."""
    if deal.type == "BALANCE":
        return "Deposit" if deal.net > 0 else "Withdrawal"
    return deal.type.replace("_", " ").capitalize()


@register.filter
def level(price: Decimal) -> str:
    """An average price: six decimals, and seven digits of one that is smaller."""
    places = max(6, 6 - price.adjusted())
    return formatting.price(price.quantize(Decimal(1).scaleb(-places)))


@register.filter
def told_time(text: str) -> str:
    """A time of no known zone, marked as one."""
    if not text:
        return formatting.unknown("Not told")
    title = "Told by the terminal's clock, in no known zone"
    return format_html('<abbr title="{}">{}*</abbr>', title, text.replace("T", " ")[:16])
