"""What is exported of trading: open positions, orders, closed trades."""

__all__ = ["orders", "positions", "trades"]
