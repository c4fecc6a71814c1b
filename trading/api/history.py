"""Closed trades of one account, as far as its history has been read."""

import itertools
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from ninja import Field, Query, Router, Schema

from accounts.api.accounts import OF_ONE, Number, Which, account_or_404
from accounts.api.caller import may
from accounts.api.reads import place
from accounts.models import Account
from mt5monitor.api.answers import conditional, encoded
from mt5monitor.sums import ExactSum
from mt5monitor.ticket_texts import texts
from trading import history
from trading.history import worth
from trading.models import ClosedTrade, HistorySync

router = Router(tags=["Accounts"])
MOST = 20_000  # of one answer: the whole history of any account but the busiest
PART = 500
PATIENCE_S = 20.0


# Of a row that an answer is told by.
SAME = (
    *("symbol", "side", "pips", "tp_money", "sl_money", "commission", "profit", "entry_price"),
    *("exit_price", "position_id", "swap", "fee", "net"),
)
TIMES = ("opened_at", "opened_told", "closed_at", "closed_told", "times_uncertain")
COLUMNS = (*SAME, *TIMES, "volume_closed", "reason", "is_open")


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
    position_id: int = Field(description="the identifier of the position, not its ticket")
    position_id_text: str
    swap: float | None
    fee: float | None
    net: float = Field(description="profit, swap, commission and fee, as far as told")
    reason: str | None = Field(description="SL, TP, CLIENT, EXPERT and so on")
    time_uncertain: bool = Field(
        description="its times may be an hour wrong: the broker's clock on that day is not proven"
    )
    part_open: bool = Field(description="a part of the position is still open")


class TradeHistoryOut(Schema):
    account_number: int
    account_id: int
    server: str | None
    trades: list[ClosedTradeOut]
    total_trades: int
    total_profit: float | None
    total_commission: float | None = Field(description="of those that tell one; null: none does")
    trades_without_commission: int
    total_net: float | None
    total_account_costs: float | None = Field(
        description="charged for no position, such as a monthly commission, and in no other sum; "
        "null: none is known"
    )
    complete: bool | None = Field(
        description="whether the history explains the balance; null: it cannot be checked"
    )
    unexplained: float | None = Field(
        description="the part of the balance that the history does not explain; while it is not 0, "
        "the history is read again soon"
    )
    synced_at: datetime | None = Field(description="when the history was read last")
    reason: str | None = Field(description="why the last reading failed")
    next: int | None = Field(description="as `before`, for those that come after these")
    next_text: str | None


class Asked(Schema):
    force_refresh: bool = False
    limit: int | None = Field(
        None, ge=1, le=MOST, description=f"without one: all of them, up to {MOST}"
    )
    before: int | None = Field(None, gt=0, lt=2**63)


@router.get(
    "/{number}/trade-history",
    summary="Closed trades of an account",
    auth=may("accounts.view_account"),
    response={200: TradeHistoryOut, **OF_ONE},
)
def trade_history(
    request: HttpRequest, number: Number, which: Query[Which], asked: Query[Asked]
) -> HttpResponseBase:
    """The newest first, from the rows; all of them up to 20,000, and `next` where there are more.
    `force_refresh` reads what is new first, and waits; so does the first time that anybody asks."""
    account = account_or_404(number, which)
    if asked.force_refresh:
        with place(request):
            history.sync(account, deadline_s=PATIENCE_S)
    elif not HistorySync.objects.filter(account=account, synced_at__isnull=False).exists():
        with place(request):
            history.sync_if_due(account, deadline_s=PATIENCE_S)
    known = HistorySync.objects.filter(account=account).first()
    rows = ClosedTrade.objects.filter(account=account)
    page, after = _page(account, rows, asked)
    told: dict[str, Any] = {"account_number": number, "account_id": account.pk}
    told |= {"server": account.server or None, "trades": page, "next": after, **texts(next=after)}
    failing = known is not None and known.failing_since is not None
    complete = known.is_complete if known else None
    is_known = known is not None and known.synced_at is not None and complete is not False
    told |= _totals(rows, is_known=is_known) | {
        "total_account_costs": worth.account_costs(account),
        "complete": complete,
        "unexplained": known.unexplained if known else None,
        "synced_at": known.synced_at if known else None,
        "reason": known.reason if known and failing else None,
    }
    return conditional(request, told)


def _page(
    account: Account, rows: QuerySet[ClosedTrade], asked: Asked
) -> tuple[msgspec.Raw, int | None]:
    """The trades as they are told, and the position with which the page ended where more come."""
    if asked.before is not None:
        last = rows.filter(position_id=asked.before).first()
        if last is None:
            raise Http404(f"Account {account.number} has no trade {asked.before}.")
        rows = rows.filter(_later(last))
    most = asked.limit or MOST
    ids = list(rows.values_list("position_id", flat=True)[most - 1 : most + 1])
    after = ids[0] if len(ids) == 2 else None
    # Told a part at a time: rows are several times as large in memory as they are as text.
    parts = (encoded([_told(row) for row in part])[1:-1] for part in _parts(rows[:most]))
    return msgspec.Raw(b"[" + b",".join(parts) + b"]"), after


def _parts(rows: QuerySet[ClosedTrade]) -> Iterator[tuple[dict[str, Any], ...]]:
    found = rows.values(*COLUMNS).iterator(chunk_size=PART)
    while part := tuple(itertools.islice(found, PART)):
        yield part


def _later(last: ClosedTrade) -> Q:
    """In the order of the list: by time, those without one last, then by position."""
    at, same = last.closed_at_or_guess, Q(position_id__lt=last.position_id)
    if at is None:
        return same & Q(closed_at_or_guess=None)
    later = Q(closed_at_or_guess__lt=at) | Q(closed_at_or_guess=None)
    return later | (same & Q(closed_at_or_guess=at))


def _totals(rows: QuerySet[ClosedTrade], *, is_known: bool) -> dict[str, Any]:
    """Of all that are told, on this page or not. Null: nothing is known of it."""
    names = ("profit", "commission", "net")
    sums = rows.order_by().aggregate(
        total_trades=Count("pk"),
        trades_without_commission=Count("pk", filter=Q(commission=None)),
        **{f"total_{name}": ExactSum(name) for name in names},
    )
    if is_known and not sums["total_trades"]:
        return sums | {f"total_{name}": Decimal(0) for name in names}
    return sums


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: row[name] for name in SAME},
        **texts(position_id=row["position_id"]),
        "lot": row["volume_closed"],
        "entry_time": _time(row["opened_at"], row["opened_told"]),
        "exit_time": _time(row["closed_at"], row["closed_told"]),
        "reason": row["reason"] or None,
        "time_uncertain": row["times_uncertain"],
        "part_open": row["is_open"],
    }


def _time(at: datetime | None, told: str) -> str | None:
    return at.isoformat() if at else told or None
