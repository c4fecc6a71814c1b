"""The journal of orders, for programs: where an order that was sent is followed."""

from typing import Annotated

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Path, Query, Router, Schema

from accounts.api.accounts import ERRORS, printable
from accounts.api.caller import may
from mt5monitor.api.answers import conditional
from trading.api.outcome import OrderOut
from trading.models import Order
from trading.payloads import order_payload
from trading.states import State

router = Router(tags=["Trading"])
MOST = 200
Id = Annotated[int, Path(gt=0, lt=2**63)]


class OrdersOut(Schema):
    orders: list[OrderOut]
    next: int | None = Field(description="as `before`, for those that come after these")


class Asked(Schema):
    account_number: int | None = Field(None, gt=0, lt=2**63)
    account_id: int | None = Field(None, gt=0, lt=2**63)
    server: str | None = Field(None, max_length=64, description="when they were placed")
    state: State | None = None
    before: int | None = Field(None, gt=0, lt=2**63, description="the id that the last page ended")
    limit: int = Field(50, ge=1, le=MOST)


@router.get(
    "", summary="All orders", auth=may("accounts.view_account"), response={200: OrdersOut, **ERRORS}
)
def journal(request: HttpRequest, asked: Query[Asked]) -> HttpResponseBase:
    """The newest first. `next` stays right while orders are added."""
    orders = Order.objects.select_related("account__agent").order_by("-pk")
    if asked.account_number is not None:
        orders = orders.filter(login=asked.account_number)
    if asked.account_id is not None:
        orders = orders.filter(account=asked.account_id)
    if asked.server is not None:
        server = printable(asked.server)
        found = orders.filter(server__iexact=server)
        orders = found if server == asked.server else orders.none()
    if asked.state is not None:
        orders = orders.filter(state=asked.state)
    if asked.before is not None:
        orders = orders.filter(pk__lt=asked.before)
    page = list(orders[: asked.limit + 1])
    more = len(page) > asked.limit
    page = page[: asked.limit]
    listed = [order_payload(order) for order in page]
    return conditional(request, {"orders": listed, "next": page[-1].pk if more else None})


@router.get(
    "/{id}",
    summary="One order",
    auth=may("accounts.view_account"),
    response={200: OrderOut, **ERRORS},
)
def order(request: HttpRequest, id: Id) -> HttpResponseBase:  # noqa: A002 - its name in the URL
    """One, as it stands now."""
    found = Order.objects.select_related("account__agent").filter(pk=id).first()
    if found is None:
        raise Http404(f"There is no order {id}.")
    return conditional(request, order_payload(found))
