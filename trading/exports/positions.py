"""Open positions as they are exported."""

from datetime import datetime

from accounts.exports.table import Column, Kind, Table
from accounts.models import Position
from trading.exposure import positions
from trading.position_list import PositionList


def positions_table(look: PositionList) -> Table[Position]:
    columns = [*_what(), *_figures(), *_origin(look.now)]
    return Table("positions", columns, positions(look.symbol, look.account))


def _what() -> list[Column[Position]]:
    return [
        Column("Symbol", Kind.TEXT, lambda row: row.symbol),
        Column("Account", Kind.ID, lambda row: row.account.number),
        Column("Server", Kind.TEXT, lambda row: row.account.server),
        Column("Holder", Kind.TEXT, lambda row: row.account.holder),
        Column("Side", Kind.TEXT, lambda row: row.side),
        Column("Volume, lots", Kind.NUMBER, lambda row: row.volume),
    ]


def _figures() -> list[Column[Position]]:
    return [
        Column("Open price", Kind.NUMBER, lambda row: row.open_price),
        Column("Current price", Kind.NUMBER, lambda row: row.current_price),
        Column("SL", Kind.NUMBER, lambda row: row.sl),
        Column("TP", Kind.NUMBER, lambda row: row.tp),
        Column("Profit", Kind.MONEY, lambda row: row.profit),
        Column("Swap", Kind.MONEY, lambda row: row.swap),
        Column("Commission", Kind.MONEY, lambda row: row.commission),
        Column("Currency", Kind.TEXT, lambda row: row.account.currency),
    ]


def _origin(now: datetime) -> list[Column[Position]]:
    return [
        Column("Ticket", Kind.ID, lambda row: row.ticket),
        Column("Identifier", Kind.ID, lambda row: row.identifier),
        Column("Opened (UTC)", Kind.TIME, lambda row: row.opened_at),
        Column("Comment", Kind.TEXT, lambda row: row.comment),
        Column("Magic", Kind.ID, lambda row: row.magic),
        Column("Stale", Kind.TEXT, lambda row: "yes" if row.account.is_stale(now) else "no"),
        Column("Figures of (UTC)", Kind.TIME, lambda row: row.account.seen_at),
    ]
