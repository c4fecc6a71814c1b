"""Terminals without a broker: one market, many accounts, the functions of MetaTrader5.

terminal.py      the functions of the MetaTrader5 module over one account
world.py         market, accounts and traders, all from one seed
market.py        prices that walk, and levels that wait for them
symbols.py       symbols and their terms
account.py       balance, positions and history of one account
past.py          what an account did before the process started
people.py        firms, servers and holders
trader.py        opens a position now and then, and closes one
broker.py        the trade server, as one terminal meets it
checks.py        what the trade server accepts
execution.py     how it executes a request
comments.py      the comment beside each return code
trade_faults.py  how orders go wrong
venue.py         what is executed when
ledger.py        what was sent and executed: the judge of every test of trading
"""

__all__ = ["ledger", "terminal", "trade_faults", "world"]
