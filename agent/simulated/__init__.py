"""Terminals without a broker: one market, many accounts, the MetaTrader5 functions."""

__all__ = ["ledger", "terminal", "trade_faults", "world"]
