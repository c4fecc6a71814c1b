"""What is known of a tick, from what an agent reports, prices and closed trades. Pure."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from enum import StrEnum
from typing import Any

from accounts.agents import SymbolSpec
from trading.ticks.prices import Grid
from trading.ticks.trades import TOLERANCE, Trade, Worth, worth

# Agents of contract 1 report it where their terminal has none: it proves nothing.
PLACEHOLDER = Decimal(1)
LARGEST = 100_000  # points a tick
FINE = Decimal("1e-12")
HELD_MOVE = 50  # points: the price of a position may be some ticks behind its profit
HELD_FACTOR = 2


class Basis(StrEnum):
    REPORTED = "reported"
    """The agent reports tick size and tick value, and nothing contradicts them."""
    PROVEN = "proven"
    ASSUMED = "assumed"
    """Usable, with a warning."""
    UNDECIDED = "undecided"
    CONTRADICTED = "contradicted"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`tick_value` is None, and stops in money impossible, where the basis does not allow them.

    `sentence` says why, not what to do about it: that depends on who asks. One that is a warning
    has no figure that changes with the market, for it is acknowledged word by word. `prices` and
    `trades`: how many distinct ones it rests on.
    """

    basis: Basis
    sentence: str
    tick_size: Decimal | None = None
    tick_value: Decimal | None = None
    prices: int = 0
    trades: int = 0

    @property
    def warning(self) -> str:
        return self.sentence if self.basis == Basis.ASSUMED else ""

    @property
    def refusal(self) -> str:
        return "" if self.tick_size and self.tick_value else self.sentence

    @property
    def record(self) -> dict[str, Any]:
        """For a JSON column; figures as text."""
        return {
            name: f"{value:f}" if isinstance(value, Decimal) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class _Case:
    spec: SymbolSpec
    point: Decimal
    grid: Grid
    worth: Worth | None

    def verdict(
        self,
        basis: Basis,
        sentence: str,
        tick: Decimal | None = None,
        value: Decimal | None = None,
    ) -> Verdict:
        trades = self.worth.trades if self.worth else 0
        return Verdict(basis, sentence, tick, value, self.grid.count, trades)


def judge(
    spec: SymbolSpec,
    prices: Iterable[Decimal],
    trades: Iterable[Trade],
    held: Iterable[Trade] = (),
) -> Verdict:
    """`prices` are those of quotes and deals, no averages; `trades` are closed, newest first;
    `held` are open positions, as if they were closed at their current price."""
    verdict = _by_what_is_over(spec, prices, trades)
    if verdict.basis in (Basis.REPORTED, Basis.ASSUMED):
        return _against_positions(spec, verdict, held)
    return verdict


def _against_positions(spec: SymbolSpec, verdict: Verdict, held: Iterable[Trade]) -> Verdict:
    """Price and profit of a position may be of different ticks, so only factors count, and only
    when no position that moved far enough agrees."""
    point, tick, told = spec.point or spec.tick_size, verdict.tick_size, verdict.tick_value
    if not point or not tick or not told:
        return verdict
    moved = [one for one in held if one.lots > 0 and abs(one.moved) >= HELD_MOVE * point]
    values = [one.value for one in moved if one.profit and one.value > 0]
    unit = told / tick
    if not values or any(1 / HELD_FACTOR <= value / unit <= HELD_FACTOR for value in values):
        return verdict
    text = (
        f"A tick of {spec.symbol} would be worth {_plain(told)} by what the agent reports, but the"
        " profit of this account's open positions contradicts that, so it is not used."
    )
    return replace(verdict, basis=Basis.CONTRADICTED, sentence=text, tick_value=None)


def _by_what_is_over(
    spec: SymbolSpec, prices: Iterable[Decimal], trades: Iterable[Trade]
) -> Verdict:
    point = spec.point or spec.tick_size
    if point is None:
        return Verdict(Basis.UNKNOWN, _unknown(spec))
    quoted = [price for price in (spec.bid, spec.ask) if price is not None]
    by_trades = worth(trades, point, spec.bid)
    case = _Case(spec, point, Grid.of([*quoted, *prices], point), by_trades)
    if spec.tick_size:
        return _of_a_size(case, spec.tick_size)
    return _without_trades(case) if by_trades is None else _with_trades(case, by_trades)


def _of_a_size(case: _Case, tick: Decimal) -> Verdict:
    """The agent reports the tick size: trades may contradict its value, or stand in for it."""
    told, by_trades = case.spec.tick_value, case.worth
    if told is None:
        return _unknown_value(case) if by_trades is None else _by_trades(case, by_trades, tick)
    if by_trades and abs(told / tick / by_trades.value - 1) > TOLERANCE:
        return case.verdict(Basis.CONTRADICTED, _contradicted(case, by_trades), tick)
    text = _known(case, tick, told, "as its agent reports")
    return case.verdict(Basis.REPORTED, text, tick, told)


def _with_trades(case: _Case, by_trades: Worth) -> Verdict:
    told = case.spec.tick_value
    if told is not None and (points := _points(case, by_trades, told)):
        steps = _steps(case, points)
        tick, value = points * steps * case.point, told * steps
        how = f"proven by {by_trades.trades} closed trades and {case.grid.count} prices"
        return case.verdict(Basis.PROVEN, _known(case, tick, value, how), tick, value)
    if told is not None and told != PLACEHOLDER:
        return case.verdict(Basis.CONTRADICTED, _contradicted(case, by_trades))
    return _by_trades(case, by_trades, case.point * _steps(case, 1))


def _steps(case: _Case, points: int) -> int:
    """How many ticks of that many points all prices seen are apart: a stop between those would be
    on a tick that the broker may not have."""
    wide = case.grid.speaks_against_the_point and not case.grid.step % points
    return case.grid.step // points if wide else 1


def _points(case: _Case, by_trades: Worth, told: Decimal) -> int | None:
    """How many points a tick is, so that what the agent reports is what trades and prices say."""
    ratio = told / (by_trades.value * case.point)
    least = int((ratio / (1 + TOLERANCE)).to_integral_value(ROUND_CEILING))
    most = int((ratio * (1 + TOLERANCE)).to_integral_value(ROUND_FLOOR))
    if most > LARGEST:
        return None
    fitting = [points for points in range(max(least, 1), most + 1) if case.grid.allows(points)]
    return min(fitting, key=lambda points: abs(points - ratio), default=None)


def _by_trades(case: _Case, by_trades: Worth, tick: Decimal) -> Verdict:
    """Without a tick value of the agent's. How fine prices are is the point's, or all prices'."""
    value = (by_trades.value * tick).quantize(FINE)
    if by_trades.is_exact:
        how = f"proven by {by_trades.trades} closed trades"
        return case.verdict(Basis.PROVEN, _known(case, tick, value, how), tick, value)
    text = (
        f"{case.spec.symbol}: the agent has no tick value, so that of the last closed trades is"
        " used. Exchange rates may have moved it by up to 10 %."
    )
    return case.verdict(Basis.ASSUMED, text, tick, value)


def _without_trades(case: _Case) -> Verdict:
    symbol, told, tick = case.spec.symbol, case.spec.tick_value, case.point
    if told is None:
        return _unknown_value(case)
    if case.grid.speaks_against_the_point:
        return case.verdict(Basis.UNDECIDED, _undecided(case))
    proof = f"Two closed trades of {symbol} on this account would prove it."
    if told == PLACEHOLDER:
        text = (
            f"{symbol}: the agent reports a tick value of exactly 1, as agents do that know none,"
            f" and a tick of {_plain(tick)} worth 1 is assumed. {proof}"
        )
        return case.verdict(Basis.ASSUMED, text, tick, told)
    if case.grid.proves_the_point:
        how = f"proven by {case.grid.count} prices, its value as its agent reports"
        return case.verdict(Basis.PROVEN, _known(case, tick, told, how), tick, told)
    text = (
        f"{symbol}: the agent does not report the tick size, and a tick is assumed to be one point,"
        f" {_plain(tick)}. {proof}"
    )
    return case.verdict(Basis.ASSUMED, text, tick, told)


# --- sentences ----------------------------------------------------------------------------------
def _known(case: _Case, tick: Decimal, value: Decimal, how: str) -> str:
    each = f"{_plain(value)} a lot"
    return f"A tick of {case.spec.symbol} is {_plain(tick)}, worth {each}: {how}."


def _unknown_value(case: _Case) -> Verdict:
    return case.verdict(Basis.UNKNOWN, _unknown(case.spec), case.spec.tick_size)


def _unknown(spec: SymbolSpec) -> str:
    return f"The agent does not say what a tick of {spec.symbol} is worth."


def _undecided(case: _Case) -> str:
    step, symbol = case.point * case.grid.step, case.spec.symbol
    return (
        f"All {case.grid.count} prices seen of {symbol} are multiples of {_plain(step)}, so a tick"
        f" may be more than its point of {_plain(case.point)}, and what a price change is worth is"
        " not known until this account has closed two trades of it."
    )


def _contradicted(case: _Case, by_trades: Worth) -> str:
    told = _plain(case.spec.tick_value or Decimal(0))
    return (
        f"The agent reports {told} for a tick of {case.spec.symbol}, but"
        f" by {by_trades.trades} closed trades of this account a lot makes"
        f" {_plain(round(by_trades.value, 2))} when the price moves by 1, so it is not used."
    )


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
