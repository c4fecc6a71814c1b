"""The open positions of the fleet as a query string asks for them, with sums for each symbol."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from accounts.agents import symbol_name
from accounts.exports.table import Table
from accounts.fleet.column import in_file
from accounts.fleet.listing import Listing
from accounts.models import Position
from trading.exposure import Exposure, Held, exposure, positions
from trading.numbers import whole
from trading.position_columns import IN_FILES


class PositionList(Listing):
    """`account`: those of a login."""

    filters = ("symbol", "account")

    def __init__(self, params: Mapping[str, str], now: datetime) -> None:
        self.now = now
        super().__init__(params)
        self.symbol = self.values.get("symbol", "")
        self.account = whole(self.values.get("account", ""))

    def check(self) -> None:
        account = self.values.get("account")
        if account is not None and whole(account) is None:
            problem = f"“{account}” is not a login; positions of all accounts are shown."
            self.leave_out("account", problem)

    def read(self, name: str) -> str:
        text = self.params.get(name, "")
        return symbol_name.kept(text) if name == "symbol" else super().read(name)

    @cached_property
    def exposure(self) -> Exposure:
        return exposure(self.now, self.symbol, self.account)

    def count(self) -> int:
        return len(self.exposure.held)

    def rows(self) -> list[Held]:
        return self.exposure.held[self.page.slice]


def positions_table(look: PositionList) -> Table[Position]:
    """The positions of the list, on all its pages, as exports hold them."""
    columns = in_file(IN_FILES, look.now)
    return Table("positions", columns, positions(look.symbol, look.account))
