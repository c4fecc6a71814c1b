"""History: what agents tell of closed trades, kept in rows, and what is read from those.

sync(account) reads what is new and returns an Outcome; the rows are `trading.models.ClosedTrade`,
`Deal` and `EquityPoint`.
"""

from trading.history.rows import keep_closed
from trading.history.syncing import Outcome, sync, sync_due, sync_if_due

__all__ = [
    "Outcome",
    "chart",
    "equity",
    "heatmap",
    "keep_closed",
    "sync",
    "sync_due",
    "sync_if_due",
    "trade_list",
    "trades",
    "worth",
]
