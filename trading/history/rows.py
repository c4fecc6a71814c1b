"""Writing history: only what is new or differs, and as if it had been told once.

Whoever writes the history of an account first locks its HistorySync row: two who read it at the
same time write one after the other, and each derives trades from all deals there are by then.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import DateTimeField, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from accounts import quotas
from accounts.agents import ClosedPosition
from accounts.agents import Deal as ToldDeal
from accounts.models import Account, Agent
from trading.history import trades
from trading.models import ClosedTrade, Deal, HistorySync
from trading.models.history import COSTS, TRADES

M = TypeVar("M", Deal, ClosedTrade)
AT_ONCE = 500
SAME_WEEK = timedelta(days=5)
VOLUME_STEP = Decimal("0.00000001")
DEAL_COLUMNS: Final = tuple(
    field.attname
    for field in Deal._meta.concrete_fields
    if field.attname not in {"id", "account_id", "ticket"}
)
TRADE_COLUMNS: Final = tuple(
    field.attname
    for field in ClosedTrade._meta.concrete_fields
    if field.attname not in {"id", "account_id", "position_id", "changed_at"}
)


class QuotaReached(Exception):
    """Not all was kept: the agent has used up its quota. What fitted is kept, the oldest first."""

    def __init__(self, deals: int, trades: int) -> None:
        super().__init__(deals, trades)
        self.deals, self.trades = deals, trades


def keep_deals(
    account: Account, told: Sequence[ToldDeal], until: datetime | None = None
) -> tuple[int, int]:
    """Keeps deals of contract 2, which were all there are before `until`, and what follows from
    them. Returns how many deals and how many trades were new or differ. Raises QuotaReached."""
    with transaction.atomic():
        _lock(account)
        changed = sorted(_changed_deals(account, told), key=_age)
        fit = _within_quota(account, changed)
        _upsert(Deal, fit, "ticket", DEAL_COLUMNS)
        positions = {deal.position_id for deal in fit if deal.type in (*TRADES, *COSTS)}
        counts = len(fit), _derive(account, positions - {None})
        _note_reached(account, until if len(fit) == len(changed) else None)
    if len(fit) < len(changed):
        raise QuotaReached(*counts)
    return counts


def _age(deal: Deal) -> tuple[int, int]:
    """By the broker's clock, as trades are made of deals; where it is not told, by ticket."""
    return deal.broker_time_msc or 0, deal.ticket


def _within_quota(account: Account, rows: Sequence[M]) -> Sequence[M]:
    """Those that the account's agent can still have written; all, where it has none."""
    if not rows or account.agent_id is None:
        return rows
    kind = quotas.Kind.HISTORY
    return rows[: quotas.take(account.agent_id, kind, len(rows), timezone.now())]


def keep_closed(
    account: Account,
    told: Iterable[ClosedPosition],
    until: datetime | None = None,
    *,
    is_utc: bool = False,
) -> int:
    """Keeps positions that contract 1 told, or that were kept elsewhere as it tells them (`is_utc`:
    there, times are UTC, and no quota counts). One that tells less than its row leaves the row.
    Returns how many were new or differ. Raises QuotaReached."""
    found = [trades.of_closed(position, is_utc=is_utc) for position in told]
    with transaction.atomic():
        _lock(account)
        known = _known_trades(account, [trade.position_id for trade in found])
        for new in found:
            _keep_known_times(new, known.get(new.position_id))
        better = [new for new in found if not _tells_less(new, known.get(new.position_id))]
        changed = sorted(_changed_trades(account, better, known), key=_closed)
        fit = changed if is_utc else _within_quota(account, changed)
        _write_trades(fit)
        _note_reached(account, until if len(fit) == len(changed) else None)
    if len(fit) < len(changed):
        raise QuotaReached(0, len(fit))
    return len(fit)


def _closed(trade: ClosedTrade) -> tuple[float, int]:
    at = trade.closed_at_or_guess
    return at.timestamp() if at else 0.0, trade.position_id


def _keep_known_times(new: ClosedTrade, row: ClosedTrade | None) -> None:
    """Of a row whose times are known to be UTC, where the same times are told in no known zone."""
    if row is None or new.closed_at is not None or new.closed_told != row.closed_told:
        return
    if row.closed_at is not None:
        new.closed_at = new.closed_at_or_guess = row.closed_at
        new.opened_at = row.opened_at if new.opened_told == row.opened_told else None


def _tells_less(new: ClosedTrade, row: ClosedTrade | None) -> bool:
    if row is None:
        return False
    told, known = _weight(new), _weight(row)
    return told < known or (told == known and row.contract == Agent.Contract.V2)


def _weight(trade: ClosedTrade) -> tuple[bool, Decimal]:
    return trade.entry_price is not None, trade.volume_closed


def _lock(account: Account) -> None:
    """For the rest of the transaction."""
    rows = HistorySync.objects.filter(account=account)
    if not rows.update(attempted_at=timezone.now()):
        HistorySync.objects.get_or_create(account=account)
        rows.update(attempted_at=timezone.now())


def _note_reached(account: Account, until: datetime | None) -> None:
    """That all is kept from before `until`."""
    if until is not None:
        at = Value(until, output_field=DateTimeField())
        HistorySync.objects.filter(account=account).update(
            read_until=Greatest(Coalesce("read_until", at), at)
        )


def _changed_deals(account: Account, told: Sequence[ToldDeal]) -> list[Deal]:
    tickets = [deal.ticket for deal in told if deal.ticket is not None]
    if not tickets:
        return []
    between = Deal.objects.filter(account=account, ticket__range=(min(tickets), max(tickets)))
    known = {row.ticket: row for row in between.iterator(AT_ONCE)}
    rows = (_deal(account, deal, known) for deal in told)
    return [row for row in rows if _differs(row, known.get(row.ticket), DEAL_COLUMNS)]


def _deal(account: Account, told: ToldDeal, known: dict[int, Deal]) -> Deal:
    """The time that was told first stays, for an agent knows the distance of its broker's clock to
    UTC best as it is today; until one is told that is proven."""
    row = Deal(account=account, at=told.time, volume=told.volume.quantize(VOLUME_STEP))
    for name in DEAL_COLUMNS:
        if name not in {"at", "at_uncertain", "volume"}:
            setattr(row, name, getattr(told, name))
    row.ticket, row.at_uncertain = told.ticket or 0, _is_uncertain(told)
    before = known.get(row.ticket)
    if before is None or before.broker_time_msc != row.broker_time_msc or before.at is None:
        return row
    if row.at is None or row.at_uncertain or not before.at_uncertain:
        row.at, row.at_uncertain = before.at, before.at_uncertain
    return row


def _is_uncertain(told: ToldDeal) -> bool:
    """Older agents do not say, and take the distance of today for all of the past."""
    if told.time_uncertain is not None or told.time is None:
        return bool(told.time_uncertain)
    return told.time < timezone.now() - SAME_WEEK


def _derive(account: Account, positions: set[int | None]) -> int:
    written = 0
    for numbers in _chunks(sorted(number for number in positions if number is not None)):
        deals = Deal.objects.of_positions().filter(account=account, position_id__in=numbers)
        groups = groupby(deals.order_by("position_id", "ticket"), key=_position_of)
        found = [trade for _, group in groups if (trade := trades.of_deals(group)) is not None]
        changed = _changed_trades(account, found, _known_trades(account, numbers))
        _write_trades(changed)
        written += len(changed)
    return written


def _position_of(deal: Deal) -> int:
    return deal.position_id or 0


def _known_trades(account: Account, numbers: Sequence[int]) -> dict[int, ClosedTrade]:
    known: dict[int, ClosedTrade] = {}
    for some in _chunks(numbers):
        rows = ClosedTrade.objects.filter(account=account, position_id__in=some)
        known |= {row.position_id: row for row in rows}
    return known


def _changed_trades(
    account: Account, found: Iterable[ClosedTrade], known: dict[int, ClosedTrade]
) -> list[ClosedTrade]:
    now = timezone.now()
    changed = []
    for trade in found:
        trade.account, trade.changed_at = account, now
        trade.volume_closed = trade.volume_closed.quantize(VOLUME_STEP)
        if _differs(trade, known.get(trade.position_id), TRADE_COLUMNS):
            changed.append(trade)
    return changed


def _write_trades(changed: Sequence[ClosedTrade]) -> None:
    _upsert(ClosedTrade, changed, "position_id", (*TRADE_COLUMNS, "changed_at"))


def _differs(new: M, row: M | None, columns: Iterable[str]) -> bool:
    return row is None or any(getattr(new, name) != getattr(row, name) for name in columns)


def _upsert(model: type[M], rows: Sequence[M], key: str, columns: Sequence[str]) -> None:
    if rows:
        model._default_manager.bulk_create(
            rows,
            batch_size=AT_ONCE,
            update_conflicts=True,
            unique_fields=["account", key],
            update_fields=list(columns),
        )


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), AT_ONCE):
        yield numbers[start : start + AT_ONCE]
