"""The JSON API of positions, orders, history and versus.

positions.py      open positions of an account
trades.py         open, close and modify
orders.py         the journal of orders
outcome.py        the JSON of an outcome
history.py        closed trades of an account
versus.py         the routes of versus
versus_shapes.py  the JSON of versus
sheets.py         Google Sheets
"""

__all__ = ["positions"]
