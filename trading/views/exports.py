"""Open positions, the journal of orders and closed trades as files."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.exports.sheets import Result
from accounts.views.account import account_or_404
from accounts.views.answers import said
from accounts.views.exports import Format, exported
from trading import sheets
from trading.history.trade_list import TradeList, trades_table
from trading.order_list import OrderList, orders_table
from trading.position_list import PositionList, positions_table

may_look = permission_required("accounts.view_account", raise_exception=True)
may_sync = permission_required(
    ["accounts.view_account", "accounts.sync_sheets"], raise_exception=True
)


@require_safe
@may_look
def positions(request: HttpRequest, kind: Format) -> HttpResponseBase:
    look = PositionList(request.GET.dict(), timezone.now())
    return exported(request, positions_table(look), kind, look.problems, back="/positions/")


@require_safe
@may_look
def orders(request: HttpRequest, kind: Format) -> HttpResponseBase:
    look = OrderList(request.GET.dict())
    return exported(request, orders_table(look), kind, look.problems, back="/orders/")


@require_safe
@may_look
def trades(request: HttpRequest, number: str, kind: Format) -> HttpResponseBase:
    look = TradeList(account_or_404(number), request.GET.dict())
    back = f"/accounts/{number}/history/"
    return exported(request, trades_table(look), kind, look.problems, back=back)


@require_POST
@may_sync
def all_to_sheets(request: HttpRequest) -> HttpResponse:
    """Fleet and trades, whatever is filtered on screen; waits for Google."""
    return _synced(request, sheets.sync_all(), "/")


@require_POST
@may_sync
def trades_to_sheets(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    back = f"/accounts/{account.key}/history/"
    return _synced(request, sheets.sync_trades(account), back)


def _synced(request: HttpRequest, result: Result, back: str) -> HttpResponse:
    return said(request, result.sentence, tone="good" if result.ok else "bad", back=back)
