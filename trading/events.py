"""What programs are told of orders and versus. Read when the change has committed, and only while
somebody listens: see accounts/live."""

from collections.abc import Hashable
from datetime import datetime
from functools import partial

import msgspec
from django.utils import timezone

from accounts.live.events import Event
from accounts.live.journals import Journal, Written
from accounts.live.publishing import publish_event
from accounts.live.stream import Item
from accounts.payloads import members
from trading.models import Order, OrderEvent, Versus, VersusEvent
from trading.payloads import succeeded, trade_payload, versus_payload, with_payload
from trading.states import OPEN

LOOKED_AT = 200  # the newest steps: far more than there are between two looks


def publish_order(order: Order) -> None:
    """`trade_result`, once this transaction has committed."""
    publish_event(partial(_of_order, order.pk))


def publish_versus(versus: Versus) -> None:
    """`versus_update`, once this transaction has committed."""
    publish_event(partial(_of_versus, versus.pk))


def _of_order(pk: int) -> list[Item]:
    now = timezone.now()
    order = Order.objects.get(pk=pk)
    result = trade_payload(order, succeeded(order))
    who = {name: result["order"][name] for name in ("account_number", "account_id", "server")}
    body = members(now, trade_type=order.kind, **who, result=result)
    return [Item(kind="trade_result", accounts=str(order.login), body=body)]


def _of_versus(pk: int) -> list[Item]:
    now = timezone.now()
    versus = with_payload(Versus.objects.filter(pk=pk)).get()
    body = members(now, versus_id=versus.code, data=versus_payload(versus))
    accounts = f"{versus.login_a},{versus.login_b}"
    return [Item(kind="versus_update", accounts=accounts, body=body)]


# --- what became known to nobody ------------------------------------------------------------------
def orders() -> Journal:
    return Journal("trade_result", _order_of, _orders_ended)


def versus() -> Journal:
    return Journal("versus_update", _versus_of, _versus_changed)


class _Id(msgspec.Struct):
    id: int


class _Result(msgspec.Struct):
    order: _Id


def _order_of(event: Event) -> Hashable:
    return msgspec.json.decode(event.fields["result"], type=_Result).order.id


def _versus_of(event: Event) -> Hashable:
    return msgspec.json.decode(event.fields["versus_id"], type=str)


def _orders_ended(since: datetime) -> Written:
    steps = OrderEvent.objects.order_by("-pk").values_list("order_id", "state", "at")[:LOOKED_AT]
    ended = [step for step in reversed(steps) if step[1] and step[1] not in OPEN]
    return {order: at.timestamp() for order, _, at in ended if at > since}


def _versus_changed(since: datetime) -> Written:
    rows = VersusEvent.objects.exclude(state="").order_by("-pk")
    steps = rows.values_list("versus__code", "at")[:LOOKED_AT]
    return {code: at.timestamp() for code, at in reversed(steps) if at > since}
