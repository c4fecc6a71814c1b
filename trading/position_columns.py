"""The columns of open positions. Two pages and the exports show them, each in an order of its own.

To add one, add it to FIGURES where all three show it, else to some of the tuples at the end. On
phones, narrow.css places it.
"""

from dataclasses import replace
from datetime import datetime
from typing import Final

from accounts.exports.table import Kind
from accounts.fleet.column import Align, Column, Export, FileOnly, Own
from accounts.models import Position
from trading.cells import Cells

Columns = tuple[Column[Position], ...]
_cells: Final = Cells[Position]("position", "p")


def _level(key: str, label: str, name: str) -> Column[Position]:
    """A level that a position can do without."""
    none, known = f'<abbr title="No {name}">–</abbr>', f"{{{{ position.{key}|price }}}}"
    inside = f"{{% if position.{key} is None %}}{none}{{% else %}}{known}{{% endif %}}"
    return _cells.figure(key, label, inside=inside)


def _money(key: str, label: str) -> Column[Position]:
    return _cells.figure(key, label, kind=Kind.MONEY, filters="|signed:places")


def _stale(position: Position, now: datetime) -> str:
    return "yes" if position.account.is_stale(now) else "no"


OPENED_AT: Final = """
{% if position.opened_at %}
<time datetime="{{ position.opened_at|date:'c' }}">{{ position.opened_at|date:"j M H:i" }}</time>
{% else %}
<abbr title="The agent tells local time only">–</abbr>
{% endif %}
"""

TICKET: Final = _cells.figure("ticket", "Ticket", kind=Kind.ID, filters="")
SYMBOL: Final = _cells.text("symbol", "Symbol")
ACCOUNT: Final = _cells.own("account", "Account", Kind.ID, "account.number")
FIGURES: Final[Columns] = (
    _cells.text("side", "Side"),
    _cells.figure("volume", "Volume", title="Volume, lots"),
    _cells.figure("open", "Open", "open_price", title="Open price"),
    _cells.figure("current", "Current", "current_price", title="Current price"),
    _level("sl", "SL", "stop-loss"),
    _level("tp", "TP", "take-profit"),
    _cells.gain("profit", "Profit"),
)
COSTS: Final[Columns] = (_money("swap", "Swap"), _money("commission", "Commission"))
OPENED: Final = _cells.figure(
    "opened", "Opened, UTC", "opened_at", kind=Kind.TIME, inside=OPENED_AT, title="Opened (UTC)"
)

ON_ACCOUNT: Final[Columns] = (
    replace(TICKET, shape=Own(align=Align.LEFT)),  # it names the row
    SYMBOL,
    *FIGURES,
    *COSTS,
    OPENED,
)
ON_POSITIONS: Final[Columns] = (SYMBOL, ACCOUNT, *FIGURES, TICKET)
IN_FILES: Final[Columns] = (
    SYMBOL,
    ACCOUNT,
    _cells.file_only("Server", Kind.TEXT, "account.server"),
    _cells.file_only("Holder", Kind.TEXT, "account.holder"),
    *FIGURES,
    *COSTS,
    _cells.file_only("Currency", Kind.TEXT, "account.currency"),
    TICKET,
    _cells.file_only("Identifier", Kind.ID, "identifier"),
    OPENED,
    _cells.file_only("Comment", Kind.TEXT, "comment"),
    _cells.file_only("Magic", Kind.ID, "magic"),
    Column("Stale", "Stale", FileOnly(Export(Kind.TEXT, _stale))),
    _cells.file_only("Figures of (UTC)", Kind.TIME, "account.seen_at"),
)
