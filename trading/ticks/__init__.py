"""What a tick of a symbol is and is worth where an agent does not report both: proven by prices and
closed trades, assumed with a warning, or unknown. Nothing is guessed from a symbol's name.

reading.py  the evidence of one account's own rows
prices.py   tick sizes that fit all prices; pure
trades.py   the value of a price, from closed trades; pure
verdict.py  what is known of a tick; pure
spec.py     a specification whose tick was checked
"""

from trading.ticks.prices import Grid
from trading.ticks.reading import checked
from trading.ticks.spec import basis_of, proof_of, refusal_of, warning_of
from trading.ticks.trades import Trade, worth
from trading.ticks.verdict import Basis, Verdict, judge

__all__ = [
    "Basis",
    "Grid",
    "Trade",
    "Verdict",
    "basis_of",
    "checked",
    "judge",
    "proof_of",
    "refusal_of",
    "warning_of",
    "worth",
]
