"""Proof of what a broker's clock was: the weeks of a currency pair, as its hourly bars show them.

Currencies trade from Sunday 17:00 to Friday 17:00 in New York. A week of bars that begins and ends
with exactly these five days tells how far the broker's clock was from UTC then; one that is
shorter, as at Christmas or of gold and indices, tells nothing.
"""

from collections.abc import Iterable, Iterator

from agent.constants import Constants
from agent.records import MetaTrader5, SymbolInfo
from agent.zones import HOUR, american

Proof = tuple[float, int]
"""A moment (seconds of UTC), and broker time minus UTC at it, in seconds."""

DAY, WEEK = 86_400, 7 * 86_400
# Sunday, 4 January 1970.
A_SUNDAY = 3 * DAY
FURTHEST = (-12 * HOUR, 14 * HOUR)
LOOK_AGAIN = 600.0
MAJORS = ("EUR", "USD", "GBP", "JPY", "CHF", "AUD", "NZD", "CAD")
PAIRS_TRIED = 3


def proofs(times: Iterable[int]) -> Iterator[Proof]:
    """From the beginnings of hourly bars in broker time: two for each whole week."""
    for first, last in _weeks(times):
        sunday = round((first - A_SUNDAY - 22 * HOUR) / WEEK) * WEEK + A_SUNDAY
        opening = sunday + (21 if american(sunday + DAY) else 22) * HOUR
        offset = first - opening
        whole = last + HOUR == opening + offset + 5 * DAY
        if whole and FURTHEST[0] <= offset <= FURTHEST[1]:
            yield opening, offset
            yield opening + 5 * DAY, offset


def _weeks(times: Iterable[int]) -> Iterator[tuple[int, int]]:
    """The first and the last bar of each: more than a day without a bar ends a week."""
    first = last = None
    for at in times:
        if first is None or last is None or at - last > DAY:
            if first is not None and last is not None:
                yield first, last
            first = at
        last = at
    if first is not None and last is not None:
        yield first, last


class Weeks:
    """Reads them from a terminal, the same period once in ten minutes at most."""

    __slots__ = ("_read_at",)

    def __init__(self) -> None:
        self._read_at: dict[tuple[int, int], float] = {}

    def read(self, mt5: MetaTrader5, first: int, last: int, now: float) -> list[Proof]:
        """Of the whole weeks around two broker times; empty when no pair's bars prove any."""
        period = (first // WEEK - 1, last // WEEK + 2)
        if now - self._read_at.get(period, -LOOK_AGAIN) < LOOK_AGAIN:
            return []
        self._read_at[period] = now
        for name in currency_pairs(mt5.symbols_get() or ())[:PAIRS_TRIED]:
            bars = mt5.copy_rates_range(
                name, Constants.TIMEFRAME_H1, max(0, period[0] * WEEK), period[1] * WEEK
            )
            if bars is not None and (found := list(proofs(int(bar["time"]) for bar in bars))):
                return found
        return []


def currency_pairs(symbols: Iterable[SymbolInfo]) -> list[str]:
    """Names, those that are watched already first. A hint where to look: bars are the proof."""
    pairs = [
        symbol
        for symbol in symbols
        if symbol.currency_base in MAJORS
        and symbol.currency_profit in MAJORS
        and symbol.currency_base != symbol.currency_profit
        and symbol.currency_base + symbol.currency_profit in symbol.name.upper()
    ]
    pairs.sort(key=lambda s: (not s.visible, MAJORS.index(s.currency_base), len(s.name)))
    return [symbol.name for symbol in pairs]
