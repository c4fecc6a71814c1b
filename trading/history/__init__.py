"""Closed trades, deals and equity: read from agents, kept in rows, and what follows from them.

`sync(account)` reads what is new and returns an Outcome.

syncing.py     brings the rows of an account up to date, on demand and in the background
claims.py      one reader an account at a time
reading.py     asks an agent for a history, in windows that it can answer
trades.py      from deals to closed trades; pure
rows.py        writes only what is new or differs
trade_list.py  the closed trades that a query string asks for
trade_columns.py  their columns, each declared once
statistics.py  profit factor, drawdown, days and other statistics of closed trades
worth.py       balance and equity over a time, and what moved money
equity.py      equity over time: written while it changes, thinned as it grows old
chart.py       equity and balance as lines
heatmap.py     half a year of days as a calendar
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
