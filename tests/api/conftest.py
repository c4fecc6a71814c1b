"""The desks of trading and versus, for programs."""

from tests.trading.conftest import desk, trader, trading_on
from tests.versus.conftest import pair, runner, venue, versus_on

__all__ = ["desk", "pair", "runner", "trader", "trading_on", "venue", "versus_on"]
