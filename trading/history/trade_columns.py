"""The columns of closed trades, in their order on the page and in exports.

To add one, add it to TRADES. An `own` cell is in templates/trading/_trade.html; on phones,
history.css places the columns.
"""

from typing import Final

from django.conf import settings
from django.utils.functional import lazy

from accounts.exports.table import Kind
from accounts.fleet.column import Column, file_only
from trading.cells import Cells
from trading.models import ClosedTrade

CLOCK: Final = "by the terminal's clock"
_cells: Final = Cells[ClosedTrade]("trade", "t")


def _closed() -> str:
    return f"Closed, {settings.TIME_ZONE}"


def _completeness(trade: ClosedTrade) -> str:
    """Of the account's history, as far as that can be checked."""
    sync = getattr(trade.account, "history_sync", None)
    if sync is None or sync.is_complete is None:
        return "not checked"
    return "complete" if sync.is_complete else f"incomplete: {sync.unexplained} not explained"


# Exports read rows with their account and its history_sync selected.
TRADES: Final[tuple[Column[ClosedTrade], ...]] = (
    _cells.own("closed", lazy(_closed, str)(), Kind.TIME, "closed_at", "Closed (UTC)"),
    _cells.file_only("Account", Kind.ID, "account.number"),
    _cells.file_only("Server", Kind.TEXT, "account.server"),
    _cells.text("symbol", "Symbol"),
    _cells.text("side", "Side"),
    _cells.own("lots", "Lots", Kind.NUMBER, "volume_closed", "Closed, lots"),
    _cells.file_only("Opened, lots", Kind.NUMBER, "volume_opened"),
    file_only("Part open", Kind.TEXT, lambda trade: "yes" if trade.is_open else "no"),
    _cells.own("entry", "Entry", Kind.NUMBER, "entry_price"),
    _cells.figure("exit", "Exit", "exit_price", filters="|level"),
    _cells.gain("profit", "Profit"),
    _cells.own("swap", "Swap", Kind.MONEY),
    # The page adds the fee to it.
    _cells.own("costs", "Commission", Kind.MONEY, "commission"),
    _cells.file_only("Fee", Kind.MONEY, "fee"),
    _cells.gain("net", "Net"),
    _cells.file_only("Currency", Kind.TEXT, "account.currency"),
    _cells.text("end", "Ended by", "reason", filters="|ended_by"),
    _cells.own("opened", "Opened", Kind.TIME, "opened_at", "Opened (UTC)"),
    _cells.figure("position", "Position", "position_id", kind=Kind.ID, filters=""),
    _cells.file_only("Pips", Kind.NUMBER, "pips"),
    _cells.file_only(f"Closed, {CLOCK}", Kind.TEXT, "closed_told"),
    _cells.file_only(f"Opened, {CLOCK}", Kind.TEXT, "opened_told"),
    file_only("Times", Kind.TEXT, lambda trade: "uncertain" if trade.times_uncertain else ""),
    file_only("History", Kind.TEXT, _completeness),
)
