"""Stop-loss and take-profit of one position, in each of the three ways that people think of them.

A level is a price. Its distance in pips and its result in money are measured from the open price,
with the sign of the result: -20 pips is a loss.
"""

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from accounts.agents import SymbolSpec
from trading import numbers, sizing, ticks
from trading.sizing import BUY, Refused, Unknown

UNITS = {"price": "price", "pips": "pips", "money": "money"}
FARTHEST = 1000  # times the price at which it opened
NAMES = {"sl": "Stop-loss", "tp": "Take-profit"}


@dataclass(frozen=True, slots=True)
class Exposed:
    """What stops protect: an open position, or one that a market order would open now."""

    side: str
    volume: Decimal
    opened: Decimal
    spec: SymbolSpec


@dataclass(frozen=True, slots=True)
class Stop:
    """One level in all units; pips and money are None where the agent does not tell enough."""

    name: str
    price: Decimal
    pips: Decimal | None
    money: Decimal | None

    @property
    def label(self) -> str:
        return NAMES[self.name]


def shown(name: str, price: Decimal, of: Exposed) -> Stop:
    sign = 1 if of.side == BUY else -1
    try:
        distance = sizing.pips((price - of.opened) * sign, of.spec)
        pips = distance.quantize(Decimal("0.1"), ROUND_HALF_EVEN)
    except Unknown:
        pips = None
    try:
        money = sizing.money(of.side, of.volume, of.opened, price, of.spec)
    except Unknown:
        money = None
    return Stop(name, price, pips, money)


def level(name: str, text: str, unit: str, of: Exposed, *, opening: bool) -> Decimal | None:
    """The price that is meant, on a tick; None for an empty text. Raises Refused.

    When opening, a stop-loss loses and a take-profit wins, whichever sign was typed.
    """
    label = NAMES[name]
    if unit not in UNITS:
        raise Refused(f"{label}: choose price, pips or money.")
    if unit == "price":
        price = numbers.positive(text, label)
        return None if price is None else _near(_exact(price, label, of.spec), label, of)
    amount = numbers.read(text, label)
    if amount is None:
        return None
    if opening:
        amount = abs(amount) * (-1 if name == "sl" else 1)
    if unit == "money":
        if refusal := ticks.refusal_of(of.spec):
            raise Unknown(f"{label}: {refusal} Set it in pips or as a price.")
        price = sizing.level_for(of.side, of.volume, of.opened, amount, of.spec)
    else:
        price = _at_pips(amount, of)
    if price <= 0:
        raise Refused(f"{label}: {amount} {unit} would be a price below 0.")
    return _near(price, label, of)


def _near(price: Decimal, label: str, of: Exposed) -> Decimal:
    """A slip of the finger; it may be more than the column of prices holds, too."""
    if price > FARTHEST * of.opened:
        raise Refused(f"{label}: {price.normalize():f} is more than {FARTHEST} times the price.")
    return price


def _exact(price: Decimal, label: str, spec: SymbolSpec) -> Decimal:
    """A typed price is sent as it is typed, or not at all."""
    on_tick = sizing.on_tick(price, spec)
    if on_tick != price:
        raise Refused(
            f"{label}: {spec.symbol} has no price {price:f}. The nearest one is "
            f"{on_tick.normalize():f}."
        )
    return price


def _at_pips(amount: Decimal, of: Exposed) -> Decimal:
    if not of.spec.pip_size:
        raise Unknown(f"The agent does not say how large a pip of {of.spec.symbol} is.")
    sign = 1 if of.side == BUY else -1
    return sizing.on_tick(of.opened + sign * amount * of.spec.pip_size, of.spec)
