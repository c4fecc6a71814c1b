"""The admin of trading: switch, limits, orders, versus. Importing them registers them."""

from trading.admin import limits, orders, switch, versus

__all__ = ["limits", "orders", "switch", "versus"]
