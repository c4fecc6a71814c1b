"""From money to price levels and back, for the legs of a versus. Pure; Decimal throughout.

Money is what the desk gains or loses when a level is hit, in the currency of its account. The
commission of the whole trade, in and out, is part of it where it is known; the spread is part of it
by itself, for a level is the price at which the leg closes.
"""

from dataclasses import dataclass
from decimal import Decimal

from accounts.agents import SymbolSpec
from trading import sizing
from trading.sizing import BUY, SELL, Refused


@dataclass(frozen=True, slots=True)
class Leg:
    """An open leg, or one that would open now. `commission`: in and out, account currency, not
    positive; 0 where it is not known."""

    side: str
    volume: Decimal
    opened: Decimal
    spec: SymbolSpec
    commission: Decimal = Decimal(0)


def commission(of_a_lot: Decimal | None, volume: Decimal) -> Decimal:
    """0 where it is not known."""
    return (of_a_lot or Decimal(0)) * volume


def other(side: str) -> str:
    return SELL if side == BUY else BUY


def level(leg: Leg, net: Decimal) -> Decimal:
    """The price, on a tick, at which closing the leg leaves `net`. Raises Refused where no such
    price is above 0."""
    price = sizing.level_for(leg.side, leg.volume, leg.opened, net - leg.commission, leg.spec)
    if price <= 0:
        raise Refused(f"{net} on {leg.spec.symbol} would be a price below 0.")
    return price


def net(leg: Leg, price: Decimal) -> Decimal:
    """What closing the leg at `price` leaves."""
    return sizing.money(leg.side, leg.volume, leg.opened, price, leg.spec) + leg.commission


Stops = tuple[Decimal | None, Decimal | None]


def stops(leg: Leg, sl: Decimal | None, tp: Decimal | None) -> Stops:
    """Levels for a loss of `sl` and a gain of `tp`, both amounts positive; None for none."""
    return (
        None if sl is None else level(leg, -sl),
        None if tp is None else level(leg, tp),
    )


@dataclass(frozen=True, slots=True)
class Mirrored:
    """What A's remaining leg needs to close when B's legs do.

    `sl` and `tp` are B's levels; the quotes of both symbols are of the same moment.
    """

    sl: Decimal | None
    tp: Decimal | None
    spec: SymbolSpec


def mirror(kept: str, of: Mirrored, spec: SymbolSpec) -> Stops:
    """SL and TP of A's leg of side `kept`: its TP where B's SL is hit, its SL where B's TP is.

    B closes at one side of its quote and A at the other side of its own, so each level moves by
    the distance between those two prices now: it holds the brokers' difference and the spreads.
    """
    shift = sizing.leave(kept, spec) - sizing.leave(other(kept), of.spec)

    def moved(at: Decimal | None) -> Decimal | None:
        return None if at is None else sizing.on_tick(at + shift, spec)

    return moved(of.tp), moved(of.sl)
