"""What programs are told of orders and versus. Read when the change has committed, and only while
somebody listens: see accounts/programs."""

from functools import partial

from django.utils import timezone

from accounts.broadcast import publish_event
from accounts.programs.stream import Item
from trading.models import Order, Versus


def publish_order(order: Order) -> None:
    """`trade_result`, once this transaction has committed."""
    publish_event(partial(_of_order, order.pk))


def publish_versus(versus: Versus) -> None:
    """`versus_update`, once this transaction has committed."""
    publish_event(partial(_of_versus, versus.pk))


def _of_order(pk: int) -> list[Item]:
    # Not at the top: the API's own libraries are for those processes that tell somebody.
    from accounts.programs.told import members
    from trading.api.outcome import succeeded, trade

    now = timezone.now()
    order = Order.objects.get(pk=pk)
    result = trade(order, succeeded(order))
    body = members(now, trade_type=order.kind, account_number=order.login, result=result)
    return [Item(kind="trade_result", accounts=str(order.login), body=body)]


def _of_versus(pk: int) -> list[Item]:
    from accounts.programs.told import members
    from trading.api.versus_shapes import of_rows, versus_out

    now = timezone.now()
    versus = of_rows(Versus.objects.filter(pk=pk)).get()
    body = members(now, versus_id=versus.code, data=versus_out(versus))
    accounts = f"{versus.login_a},{versus.login_b}"
    return [Item(kind="versus_update", accounts=accounts, body=body)]
