"""Closed trades as they are exported."""

from accounts.exports.table import Column, Kind, Table
from trading.history.trade_list import TradeList
from trading.models import ClosedTrade, HistorySync

CLOCK = "by the terminal's clock"


def trades_table(look: TradeList) -> Table[ClosedTrade]:
    rows = look.trades.select_related("account__history_sync")
    sync = HistorySync.objects.filter(account=look.account).first()
    lacking = "-incomplete" if sync is not None and sync.is_complete is False else ""
    return Table(f"trades-{look.account.key}{lacking}", trades_columns(), rows)


def trades_columns() -> list[Column[ClosedTrade]]:
    """For rows with their account and its history_sync selected."""
    return [*_what(), *_prices(), *_money(), *_told()]


def _what() -> list[Column[ClosedTrade]]:
    return [
        Column("Closed (UTC)", Kind.TIME, lambda row: row.closed_at),
        Column("Account", Kind.ID, lambda row: row.account.number),
        Column("Server", Kind.TEXT, lambda row: row.account.server),
        Column("Symbol", Kind.TEXT, lambda row: row.symbol),
        Column("Side", Kind.TEXT, lambda row: row.side),
        Column("Closed, lots", Kind.NUMBER, lambda row: row.volume_closed),
        Column("Opened, lots", Kind.NUMBER, lambda row: row.volume_opened),
        Column("Part open", Kind.TEXT, lambda row: "yes" if row.is_open else "no"),
    ]


def _prices() -> list[Column[ClosedTrade]]:
    return [
        Column("Entry", Kind.NUMBER, lambda row: row.entry_price),
        Column("Exit", Kind.NUMBER, lambda row: row.exit_price),
    ]


def _money() -> list[Column[ClosedTrade]]:
    return [
        Column("Profit", Kind.MONEY, lambda row: row.profit),
        Column("Swap", Kind.MONEY, lambda row: row.swap),
        Column("Commission", Kind.MONEY, lambda row: row.commission),
        Column("Fee", Kind.MONEY, lambda row: row.fee),
        Column("Net", Kind.MONEY, lambda row: row.net),
        Column("Currency", Kind.TEXT, lambda row: row.account.currency),
    ]


def _told() -> list[Column[ClosedTrade]]:
    return [
        Column("Ended by", Kind.TEXT, lambda row: row.reason),
        Column("Opened (UTC)", Kind.TIME, lambda row: row.opened_at),
        Column("Position", Kind.ID, lambda row: row.position_id),
        Column("Pips", Kind.NUMBER, lambda row: row.pips),
        Column(f"Closed, {CLOCK}", Kind.TEXT, lambda row: row.closed_told),
        Column(f"Opened, {CLOCK}", Kind.TEXT, lambda row: row.opened_told),
        Column("Times", Kind.TEXT, lambda row: "uncertain" if row.times_uncertain else ""),
        Column("History", Kind.TEXT, _completeness),
    ]


def _completeness(row: ClosedTrade) -> str:
    """Of the account's history, as far as that can be checked."""
    sync = getattr(row.account, "history_sync", None)
    if sync is None or sync.is_complete is None:
        return "not checked"
    return "complete" if sync.is_complete else f"incomplete: {sync.unexplained} not explained"
