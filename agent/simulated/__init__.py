"""Terminals without a broker: one market, many accounts, the MetaTrader5 functions."""
