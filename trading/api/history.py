"""Closed trades of one account, as far as its history has been read."""

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet, Sum
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema

from accounts.api.accounts import ERRORS, Number, account_or_404
from accounts.api.caller import may
from accounts.models import Account
from mt5monitor.api.answers import conditional
from trading import history
from trading.models import ClosedTrade, HistorySync

router = Router(tags=["Accounts"])
MOST = 1000
PATIENCE_S = 20.0


class ClosedTradeOut(Schema):
    symbol: str
    side: str
    lot: float
    pips: float | None
    tp_money: float | None
    sl_money: float | None
    commission: float | None
    profit: float
    entry_time: str | None = Field(
        description="UTC; by the terminal's clock, without an offset, where no more is known"
    )
    exit_time: str | None
    entry_price: float | None
    exit_price: float
    position_id: int
    swap: float | None
    fee: float | None
    net: float = Field(description="profit, swap, commission and fee, as far as told")
    reason: str | None = Field(description="SL, TP, CLIENT, EXPERT and so on")
    part_open: bool = Field(description="a part of the position is still open")


class TradeHistoryOut(Schema):
    account_number: int
    trades: list[ClosedTradeOut]
    total_trades: int
    total_profit: float
    total_commission: float
    total_net: float
    synced_at: datetime | None = Field(description="when the history was read last")
    reason: str | None = Field(description="why the last reading failed")
    next: int | None = Field(description="as `before`, for those that come after these")


class Asked(Schema):
    force_refresh: bool = False
    limit: int | None = Field(None, ge=1, le=MOST, description="without one: all of them")
    before: int | None = Field(None, gt=0, lt=2**63)


@router.get(
    "/{number}/trade-history",
    auth=may("accounts.view_account"),
    response={200: TradeHistoryOut, **ERRORS},
)
def trade_history(request: HttpRequest, number: Number, asked: Query[Asked]) -> HttpResponseBase:
    """The newest first, from the rows. `force_refresh` reads what is new first, and waits; so does
    the first time that anybody asks."""
    account = account_or_404(number)
    if asked.force_refresh:
        history.sync(account, deadline_s=PATIENCE_S)
    elif not HistorySync.objects.filter(account=account, synced_at__isnull=False).exists():
        history.sync_if_due(account, deadline_s=PATIENCE_S)
    known = HistorySync.objects.filter(account=account).first()
    rows = ClosedTrade.objects.filter(account=account)
    page, after = _page(account, rows, asked)
    told = {"account_number": number, "trades": [_told(row) for row in page], "next": after}
    failing = known is not None and known.failing_since is not None
    told |= _totals(rows) | {
        "synced_at": known.synced_at if known else None,
        "reason": known.reason if known and failing else None,
    }
    return conditional(request, told)


def _page(
    account: Account, rows: QuerySet[ClosedTrade], asked: Asked
) -> tuple[list[ClosedTrade], int | None]:
    if asked.before is not None:
        last = rows.filter(position_id=asked.before).first()
        if last is None:
            raise Http404(f"Account {account.number} has no trade {asked.before}.")
        rows = rows.filter(_later(last))
    if asked.limit is None:
        return list(rows), None
    page = list(rows[: asked.limit + 1])
    more = len(page) > asked.limit
    page = page[: asked.limit]
    return page, page[-1].position_id if more else None


def _later(last: ClosedTrade) -> Q:
    """In the order of the list: by time, those without one last, then by position."""
    at, same = last.closed_at_or_guess, Q(position_id__lt=last.position_id)
    if at is None:
        return same & Q(closed_at_or_guess=None)
    later = Q(closed_at_or_guess__lt=at) | Q(closed_at_or_guess=None)
    return later | (same & Q(closed_at_or_guess=at))


def _totals(rows: QuerySet[ClosedTrade]) -> dict[str, Any]:
    names = ("profit", "commission", "net")
    sums = rows.order_by().aggregate(**{f"total_{name}": Sum(name, default=0) for name in names})
    return {"total_trades": rows.count(), **sums}


def _told(row: ClosedTrade) -> dict[str, Any]:
    same = ("symbol", "side", "pips", "tp_money", "sl_money", "commission", "profit", "entry_price")
    more = ("exit_price", "position_id", "swap", "fee", "net")
    return {
        **{name: getattr(row, name) for name in (*same, *more)},
        "lot": row.volume_closed,
        "entry_time": _time(row.opened_at, row.opened_told),
        "exit_time": _time(row.closed_at, row.closed_told),
        "reason": row.reason or None,
        "part_open": row.is_open,
    }


def _time(at: datetime | None, told: str) -> str | None:
    return at.isoformat() if at else told or None
