"""The journal of orders as it is exported."""

from accounts.exports.table import Column, Kind, Table
from trading.models import Order
from trading.order_list import OrderList


def orders_table(look: OrderList) -> Table[Order]:
    return Table("orders", [*_shown(), *_asked(), *_became(), *_steps()], look.orders)


def _shown() -> list[Column[Order]]:
    return [
        Column("Placed (UTC)", Kind.TIME, lambda row: row.placed_at),
        Column("Account", Kind.ID, lambda row: row.login),
        Column("Order", Kind.TEXT, lambda row: row.words),
        Column("State", Kind.TEXT, lambda row: row.get_state_display()),
        Column("What happened", Kind.TEXT, lambda row: row.reason),
        Column("Lock overridden", Kind.TEXT, lambda row: row.override_reason),
        Column("By", Kind.TEXT, lambda row: row.username),
    ]


def _asked() -> list[Column[Order]]:
    return [
        Column("Kind", Kind.TEXT, lambda row: row.kind),
        Column("Symbol", Kind.TEXT, lambda row: row.symbol),
        Column("Side", Kind.TEXT, lambda row: row.side),
        Column("Volume, lots", Kind.NUMBER, lambda row: row.volume),
        Column("SL", Kind.NUMBER, lambda row: row.sl),
        Column("TP", Kind.NUMBER, lambda row: row.tp),
        Column("Of position", Kind.ID, lambda row: row.position),
        Column("Server", Kind.TEXT, lambda row: row.server),
        Column("Agent", Kind.TEXT, lambda row: row.agent_name),
    ]


def _became() -> list[Column[Order]]:
    return [
        Column("Filled, lots", Kind.NUMBER, lambda row: row.filled_volume),
        Column("Price", Kind.NUMBER, lambda row: row.price),
        Column("Profit", Kind.MONEY, lambda row: row.profit),
        Column("Code", Kind.ID, lambda row: row.retcode),
        Column("Position ticket", Kind.ID, lambda row: row.position_ticket),
        Column("Position identifier", Kind.ID, lambda row: row.position_identifier),
        Column("Order ticket", Kind.ID, lambda row: row.order_ticket),
        Column("Deal ticket", Kind.ID, lambda row: row.deal_ticket),
    ]


def _steps() -> list[Column[Order]]:
    return [
        Column("Sent (UTC)", Kind.TIME, lambda row: row.claimed_at),
        Column("Answered (UTC)", Kind.TIME, lambda row: row.answered_at),
        Column("Ended (UTC)", Kind.TIME, lambda row: row.ended_at),
        Column("Settled by", Kind.TEXT, lambda row: row.settled_by),
        Column("Number", Kind.ID, lambda row: row.pk),
        Column("Tag", Kind.TEXT, lambda row: row.tag),
        Column("Magic", Kind.ID, lambda row: row.magic),
    ]
