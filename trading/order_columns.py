"""The columns of the journal of orders, in their order on pages and in exports.

To add one, add it to ORDERS. An `own` cell is in templates/trading/_order_row.html; on phones,
trade.css places the columns.
"""

from typing import Final

from accounts.exports.table import Kind
from accounts.fleet.column import Align, Column, Own, export
from trading.cells import Cells
from trading.models import Order

_cells: Final = Cells[Order]("order", "o")


def _state(order: Order) -> str:
    return order.get_state_display()


ORDERS: Final[tuple[Column[Order], ...]] = (
    _cells.own("at", "Placed, UTC", Kind.TIME, "placed_at", "Placed (UTC)"),
    _cells.own("account", "Account", Kind.ID, "login"),
    _cells.own("words", "Order", Kind.TEXT),
    Column("state", "State", Own(export=export(Kind.TEXT, _state), align=Align.LEFT)),
    _cells.own("reason", "What happened", Kind.TEXT),
    _cells.file_only("Lock overridden", Kind.TEXT, "override_reason"),
    _cells.text("user", "By", "username"),
    _cells.file_only("Kind", Kind.TEXT, "kind"),
    _cells.file_only("Symbol", Kind.TEXT, "symbol"),
    _cells.file_only("Side", Kind.TEXT, "side"),
    _cells.file_only("Volume, lots", Kind.NUMBER, "volume"),
    _cells.file_only("SL", Kind.NUMBER, "sl"),
    _cells.file_only("TP", Kind.NUMBER, "tp"),
    _cells.file_only("Of position", Kind.ID, "position"),
    _cells.file_only("Server", Kind.TEXT, "server"),
    _cells.file_only("Agent", Kind.TEXT, "agent_name"),
    _cells.file_only("Filled, lots", Kind.NUMBER, "filled_volume"),
    _cells.file_only("Price", Kind.NUMBER, "price"),
    _cells.file_only("Profit", Kind.MONEY, "profit"),
    _cells.file_only("Code", Kind.ID, "retcode"),
    _cells.file_only("Position ticket", Kind.ID, "position_ticket"),
    _cells.file_only("Position identifier", Kind.ID, "position_identifier"),
    _cells.file_only("Order ticket", Kind.ID, "order_ticket"),
    _cells.file_only("Deal ticket", Kind.ID, "deal_ticket"),
    _cells.file_only("Sent (UTC)", Kind.TIME, "claimed_at"),
    _cells.file_only("Answered (UTC)", Kind.TIME, "answered_at"),
    _cells.file_only("Ended (UTC)", Kind.TIME, "ended_at"),
    _cells.file_only("Settled by", Kind.TEXT, "settled_by"),
    _cells.file_only("Number", Kind.ID, "pk"),
    _cells.file_only("Tag", Kind.TEXT, "tag"),
    _cells.file_only("Magic", Kind.ID, "magic"),
)
# Where all orders are of one account.
OF_ACCOUNT: Final = tuple(column for column in ORDERS if column.key != "account")
