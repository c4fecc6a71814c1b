"""The program that runs beside one MetaTrader 5 terminal and answers the monitor over HTTP."""
