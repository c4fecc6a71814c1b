"""Volumes, stops and money, by the specification of the spec. Decimal throughout.

Nothing here guesses: where the specification does not say what is needed, Unknown is raised.
"""

from decimal import ROUND_FLOOR, ROUND_HALF_EVEN, Decimal

from accounts.agents import SymbolSpec
from trading import ticks

BUY, SELL = "BUY", "SELL"
# What the column of volumes holds, for symbols whose limits the agent does not tell.
LOT_DECIMALS, TOO_MANY_LOTS = 8, Decimal(10**9)
DIGITS = 15  # that every database keeps of them
FINEST_MONEY = Decimal("0.00000001")
# By the trade mode of the symbol, as agents of contract 2 name it.
_NOT_OPENED = {
    "DISABLED": dict.fromkeys((BUY, SELL), "is not traded at this broker now"),
    "CLOSEONLY": dict.fromkeys((BUY, SELL), "may only be closed at this broker now"),
    "LONGONLY": {SELL: "may only be bought at this broker now"},
    "SHORTONLY": {BUY: "may only be sold at this broker now"},
}


class Refused(Exception):
    """The order cannot be sent so; the text says why, in plain words, and what would do."""


class Unknown(Refused):
    """The symbol's specification does not say what is needed to answer."""


def entry(side: str, spec: SymbolSpec) -> Decimal:
    """The price at which a trade of this side opens. Raises Unknown."""
    return _quoted(spec.ask if side == BUY else spec.bid, spec)


def leave(side: str, spec: SymbolSpec) -> Decimal:
    """The price at which a position of this side closes; stops are measured from it."""
    return _quoted(spec.bid if side == BUY else spec.ask, spec)


def _quoted(price: Decimal | None, spec: SymbolSpec) -> Decimal:
    if price is None:
        raise Unknown(f"{spec.symbol} has no quote now.")
    return price


def check_side(side: str, spec: SymbolSpec) -> None:
    """Raises Refused where the broker lets nobody open that side now. Contract 1 does not tell."""
    if opens := _NOT_OPENED.get(spec.trade_mode, {}).get(side):
        raise Refused(f"{spec.symbol} {opens}.")


def floored(volume: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not more than `volume`."""
    return (volume / step).to_integral_value(ROUND_FLOOR) * step


def check_volume(volume: Decimal, spec: SymbolSpec) -> Decimal:
    """The volume as it may be sent. Raises Refused for one off the step or outside the limits."""
    if not volume.is_finite() or volume <= 0:
        raise Refused("The volume must be more than 0 lots.")
    if volume != round(volume, LOT_DECIMALS):
        raise Refused(f"A volume has {LOT_DECIMALS} decimals at most.")
    if volume >= TOO_MANY_LOTS or len(volume.normalize().as_tuple().digits) > DIGITS:
        raise Refused(f"{_plain(volume)} lots are more than any broker takes.")
    least, most, step = spec.volume_min, spec.volume_max, spec.volume_step
    if step and floored(volume, step) != volume:
        raise Refused(f"{spec.symbol} is traded in steps of {_plain(step)} lots.")
    if least is not None and volume < least:
        raise Refused(f"{spec.symbol} is traded from {_plain(least)} lots.")
    if most is not None and volume > most:
        raise Refused(f"{spec.symbol} is traded up to {_plain(most)} lots an order.")
    return volume


def check_volume_limit(volume: Decimal, held: Decimal, spec: SymbolSpec) -> None:
    """Raises Refused where `volume` and the `held` lots of that side are more than the broker
    lets stand open."""
    if spec.volume_limit is not None and held + volume > spec.volume_limit:
        raise Refused(
            f"At most {_plain(spec.volume_limit)} lots of {spec.symbol} may be open on one side, "
            f"and {_plain(held)} are."
        )


def halves(volume: Decimal, step: Decimal, least: Decimal) -> tuple[Decimal, Decimal]:
    """Two volumes of whole steps that sum to `volume`, the first the larger. Raises Refused."""
    second = floored(volume / 2, step)
    first = volume - second
    if second < least or first < least:
        raise Refused(f"{_plain(volume)} lots cannot be halved: {_plain(least)} is the least.")
    return first, second


def check_stops(side: str, sl: Decimal | None, tp: Decimal | None, spec: SymbolSpec) -> None:
    """Raises Refused for a stop on the wrong side of the market, or closer than the broker lets.

    Measured from the price at which the position would close.
    """
    market, sign = leave(side, spec), 1 if side == BUY else -1
    distance = (spec.stops_level or 0) * (spec.point or Decimal(0))
    for name, level, way in (("stop-loss", sl, -sign), ("take-profit", tp, sign)):
        if level is None:
            continue
        away = (level - market) * way
        if away <= 0:
            where = "below" if way < 0 else "above"
            raise Refused(
                f"The {name} of a {side.lower()} must be {where} {_plain(market)}, "
                f"and {_plain(level)} is not."
            )
        if away < distance:
            raise Refused(
                f"The {name} must be {_plain(distance)} away from {_plain(market)} at least."
            )


def on_tick(price: Decimal, spec: SymbolSpec) -> Decimal:
    """The nearest price that the symbol can have."""
    size = spec.tick_size or spec.point
    if not size:
        raise Unknown(f"The agent does not say how fine the prices of {spec.symbol} are.")
    return (price / size).to_integral_value(ROUND_HALF_EVEN) * size


def money(
    side: str,
    volume: Decimal,
    opened: Decimal,
    closed: Decimal,
    spec: SymbolSpec,
) -> Decimal:
    """Gross profit in account currency of a position that opens and closes at these prices, as
    fine as any currency: rounded where it is shown, for the decimals are the account's."""
    size, value = _tick(spec)
    sign = 1 if side == BUY else -1
    return ((closed - opened) * sign / size * value * volume).quantize(FINEST_MONEY)


def level_for(
    side: str, volume: Decimal, opened: Decimal, amount: Decimal, spec: SymbolSpec
) -> Decimal:
    """The price at which the position's gross profit is `amount`, negative for a loss."""
    size, value = _tick(spec)
    sign = 1 if side == BUY else -1
    return on_tick(opened + sign * amount / (value * volume) * size, spec)


def pips(distance: Decimal, spec: SymbolSpec) -> Decimal:
    if not spec.pip_size:
        raise Unknown(f"The agent does not say how large a pip of {spec.symbol} is.")
    return distance / spec.pip_size


def _tick(spec: SymbolSpec) -> tuple[Decimal, Decimal]:
    check_tick(spec)
    return spec.tick_size or Decimal(0), spec.tick_value or Decimal(0)


def check_tick(spec: SymbolSpec) -> None:
    """Raises Unknown, with the reason, where money cannot be converted to prices and back."""
    if refusal := ticks.refusal_of(spec):
        raise Unknown(refusal)


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
