"""What the next step of a versus would do, at the prices of now. Nothing is sent or stored.

The figures are those of a moment: the step itself asks for quotes of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading import commission, quotes, sizing, stops, ticks
from trading.models import Versus
from trading.sizing import Refused, Unknown
from trading.stops import Exposed
from trading.versus import levels
from trading.versus.driver import first_half, part
from trading.versus.legs import Legs
from trading.versus.levels import other


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """`exposure`: lots of each account once this is done. Money is in the account's currency; that
    of stops has the commission in it. `commission` None: not known. `price` None: no trade.
    `basis`: on what the money of its stops rests, where that is not the agent's word alone."""

    words: str
    account: Account
    exposure: str
    price: Decimal | None = None
    sl: Decimal | None = None
    tp: Decimal | None = None
    sl_money: Decimal | None = None
    tp_money: Decimal | None = None
    sl_pips: Decimal | None = None
    tp_pips: Decimal | None = None
    opens: bool = False
    spread_money: Decimal | None = None
    commission: Decimal | None = None
    basis: str = ""


@dataclass(slots=True)
class Preview:
    """`problem`: why it cannot be said now, or why the step would fail."""

    legs: list[PlannedLeg] = field(default_factory=list)
    problem: str = ""

    @property
    def notes(self) -> list[str]:
        """On what stops in money rest, each account once."""
        notes = [f"Account {leg.account.title}: {leg.basis}" for leg in self.legs if leg.basis]
        return list(dict.fromkeys(notes))


def freeze(versus: Versus) -> Preview:
    return _preview(_freeze(versus))


def transfer(versus: Versus) -> Preview:
    return _preview(_transfer(versus))


def _preview(planned: Iterator[PlannedLeg]) -> Preview:
    preview = Preview()
    try:
        preview.legs.extend(planned)
    except Refused as refused:
        preview.problem = str(refused)
    return preview


# --- congelar -----------------------------------------------------------------------------------
def _freeze(versus: Versus) -> Iterator[PlannedLeg]:
    spec = quotes.fresh(versus.account_a, versus.symbol_a)
    rate = commission.per_lot(versus.account_a, versus.symbol_a)
    net = Decimal(0)
    for side in (sizing.BUY, sizing.SELL):
        net += versus.lots * _sign(side)
        leg = _leg(side, versus.lots, spec, rate)
        yield _opened(versus.account_a, leg, (versus.sl_a, versus.tp_a), rate, told(net, None))


# --- transferir ---------------------------------------------------------------------------------
def _transfer(versus: Versus) -> Iterator[PlannedLeg]:
    spec_b = quotes.fresh(versus.account_b, versus.symbol_b)
    rate = commission.per_lot(versus.account_b, versus.symbol_b)
    first = first_half(versus.lots, spec_b)
    net = Decimal(0)
    halves = []
    for volume in (first, versus.lots - first):
        net += volume * _sign(versus.side_b)
        share = volume / versus.lots
        money = part(versus.sl_b, share), part(versus.tp_b, share)
        leg = _leg(versus.side_b, volume, spec_b, rate)
        halves.append(_opened(versus.account_b, leg, money, rate, told(Decimal(0), net)))
    yield from halves
    kept = versus.lots * _sign(versus.side_a)
    yield _released(versus, told(kept, net))
    if versus.sl_b is not None or versus.tp_b is not None:
        yield _protected(versus, halves[0], spec_b, told(kept, net))


def _released(versus: Versus, exposure: str) -> PlannedLeg:
    spec = quotes.fresh(versus.account_a, versus.symbol_a)
    side = other(versus.side_a)
    words = f"close the {side.lower()} {_lots(versus.lots)} {versus.symbol_a}"
    return PlannedLeg(words, versus.account_a, exposure, price=sizing.leave(side, spec))


def _protected(versus: Versus, half: PlannedLeg, spec_b: SymbolSpec, exposure: str) -> PlannedLeg:
    spec = quotes.fresh(versus.account_a, versus.symbol_a)
    of_b = levels.Mirrored(half.sl, half.tp, spec_b)
    sl, tp = levels.mirror(versus.side_a, of_b, spec)
    sizing.check_stops(versus.side_a, sl, tp, spec)
    legs = Legs(list(versus.orders.all())).open
    kept = next((leg for leg in legs if leg.side == versus.side_a and leg.opened), None)
    opened = kept.opened if kept and kept.opened else sizing.entry(versus.side_a, spec)
    leg = levels.Leg(
        versus.side_a,
        versus.lots,
        opened,
        spec,
        levels.commission(versus.commission_a, versus.lots),
    )
    words = f"set SL and TP of the {versus.side_a.lower()} {_lots(versus.lots)} {versus.symbol_a}"
    return PlannedLeg(words, versus.account_a, exposure, **_stops(leg, sl, tp))


# --- one leg ------------------------------------------------------------------------------------
def _leg(side: str, volume: Decimal, spec: SymbolSpec, rate: Decimal | None) -> levels.Leg:
    return levels.Leg(side, volume, sizing.entry(side, spec), spec, levels.commission(rate, volume))


def _opened(
    account: Account, leg: levels.Leg, money: levels.Stops, rate: Decimal | None, exposure: str
) -> PlannedLeg:
    sl, tp = levels.stops(leg, *money)
    sizing.check_stops(leg.side, sl, tp, leg.spec)
    return PlannedLeg(
        f"{leg.side.lower()} {_lots(leg.volume)} {leg.spec.symbol}",
        account,
        exposure,
        price=leg.opened,
        opens=True,
        spread_money=_spread(leg),
        commission=None if rate is None else leg.commission,
        basis="" if money == (None, None) else ticks.basis_of(leg.spec),
        **_stops(leg, sl, tp),
    )


def _stops(leg: levels.Leg, sl: Decimal | None, tp: Decimal | None) -> dict[str, Any]:
    columns: dict[str, Any] = {}
    of = Exposed(leg.side, leg.volume, leg.opened, leg.spec)
    for name, level in (("sl", sl), ("tp", tp)):
        if level is not None:
            stop = stops.shown(name, level, of)
            money = None if stop.money is None else stop.money + leg.commission
            columns |= {name: level, f"{name}_money": money, f"{name}_pips": stop.pips}
    return columns


def _spread(of: levels.Leg) -> Decimal | None:
    """What opening and closing at once would cost; None where the agent does not tell enough."""
    try:
        bought, sold = sizing.entry(sizing.BUY, of.spec), sizing.entry(sizing.SELL, of.spec)
        return sizing.money(sizing.BUY, of.volume, bought, sold, of.spec)
    except Unknown:
        return None


def _sign(side: str) -> int:
    return 1 if side == sizing.BUY else -1


def told(on_a: Decimal, on_b: Decimal | None) -> str:
    parts = [f"A {_side(on_a)}"] + ([f"B {_side(on_b)}"] if on_b is not None else [])
    return ", ".join(parts) + f"; together {_side(on_a + (on_b or 0))}"


def _side(net: Decimal) -> str:
    if not net:
        return "flat"
    return f"{'long' if net > 0 else 'short'} {_lots(abs(net))}"


def _lots(volume: Decimal) -> str:
    return f"{volume.normalize():f}"
