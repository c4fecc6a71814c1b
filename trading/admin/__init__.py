"""The admin of trading: the switch, the limits, the orders. Importing them registers them."""

from trading.admin import limits, orders, switch

__all__ = ["limits", "orders", "switch"]
