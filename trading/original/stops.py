"""Stops of a versus as money, from each of the three ways in which the original wrote them.

Generation 1: pips, for both accounts; generation 2: pips for each; generation 3: money for each,
in the currency of the account, although its fields are named for dollars. 0 is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading import commission, quotes, sizing, ticks
from trading.models import Versus
from trading.original.strict import Skip, number
from trading.sizing import Refused, Unknown
from trading.versus import levels
from trading.versus.levels import Leg

CENT = Decimal("0.01")
LONGEST = Decimal(1_000_000)  # pips
NAMES = tuple(f"{kind}_{role}" for role in "ab" for kind in ("sl", "tp"))


@dataclass
class Stops:
    """`money`: by column of Versus; `told`: how pips became money, for the report."""

    money: dict[str, Decimal | None] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def stops_of(entry: Mapping[str, Any], versus: Versus) -> Stops:
    """Asks the agents where it has to. Raises Skip."""
    for_each = [
        {name: f"{name[:2]}_{unit}_{name[3]}" for name in NAMES} for unit in ("usd", "pips")
    ]
    for_both = {name: f"{name[:2]}_pips" for name in NAMES}
    for fields in (*for_each, for_both):
        if any(entry.get(key) is not None for key in fields.values()):
            break
    else:
        return Stops(dict.fromkeys(NAMES), ["no stops"])
    told = {name: _amount(entry.get(key), key) for name, key in fields.items()}
    if fields == for_each[0]:
        return Stops({name: _cents(amount, fields[name]) for name, amount in told.items()})
    return _converted(told, versus)


def _amount(value: Any, key: str) -> Decimal | None:
    amount = Decimal(0) if value is None else number(value, key)
    if amount < 0 or amount > 10**17:
        raise Skip(f"{key} is {amount:.2f}, which is no amount of a stop")
    return amount or None


def _cents(amount: Decimal | None, key: str) -> Decimal | None:
    if amount is None:
        return None
    if amount < CENT:
        raise Skip(f"{key} is less than a cent")
    return amount.quantize(CENT)


def _converted(told: Mapping[str, Decimal | None], versus: Versus) -> Stops:
    found = Stops(dict.fromkeys(NAMES))
    for role, side in (("a", versus.side_a), ("b", versus.side_b)):
        pips = {kind: told[f"{kind}_{role}"] for kind in ("sl", "tp")}
        account = getattr(versus, f"account_{role}")
        if any(pips.values()):
            leg = _leg(account, getattr(versus, f"symbol_{role}"), side, versus.lots)
            for kind, distance in pips.items():
                if distance is not None:
                    money = _money(kind, distance, leg, account)
                    found.money[f"{kind}_{role}"] = money
                    text = f"{kind.upper()} of {role.upper()}: {distance.normalize():f} pips"
                    found.told.append(f"{text} are {money} {account.currency}".rstrip())
            if warning := ticks.warning_of(leg.spec):
                found.told.append(warning)
    return found


def _leg(account: Account, symbol: str, side: str, lots: Decimal) -> Leg:
    """As it would open now, the whole volume at once. Raises Skip."""
    try:
        spec = quotes.fresh(account, symbol)
        price = sizing.entry(side, spec)
    except Refused as refused:
        raise _unconverted(account, refused) from refused
    rate = commission.known(account, symbol)
    return Leg(side, lots, price, spec, levels.commission(rate, lots))


def _money(kind: str, distance: Decimal, leg: Leg, account: Account) -> Decimal:
    """What the leg loses or gains at that distance, its commission included as everywhere here."""
    if distance > LONGEST:
        raise Skip(f"{distance:.0f} pips are no distance of a stop")
    sign = (1 if leg.side == sizing.BUY else -1) * (1 if kind == "tp" else -1)
    try:
        net = levels.net(leg, leg.opened + sign * distance * _pip(leg.spec))
    except Refused as refused:
        raise _unconverted(account, refused) from refused
    step = Decimal(1).scaleb(-account.money_places)
    money = (net if kind == "tp" else -net).quantize(step)
    if money < step:
        raise Skip(f"account {account.number}: {distance:f} pips are less than the commission")
    return money


def _pip(spec: SymbolSpec) -> Decimal:
    if not spec.pip_size:
        raise Unknown(f"The agent does not say how large a pip of {spec.symbol} is.")
    return spec.pip_size


def _unconverted(account: Account, refused: Refused) -> Skip:
    text = f"its stops are in pips, and account {account.number} cannot say what they are in money"
    return Skip(f"{text}: {refused} Have it polled and run again, or make it anew here")
