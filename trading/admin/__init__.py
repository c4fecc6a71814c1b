"""The admin of trading: switch, limits, orders, versus, history. Importing them registers them."""

from trading.admin import history, limits, orders, standing, switch, versus

__all__ = ["history", "limits", "orders", "standing", "switch", "versus"]
