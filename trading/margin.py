"""The margin that a trade would need: as the terminal calculates it, else by the leverage.

The terminal knows its broker's rules. Without it, what the lots are worth is divided by the
leverage of the account: an estimate, for brokers ask for more or less on single symbols.
"""

from dataclasses import dataclass
from decimal import Decimal

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading.sizing import BUY


@dataclass(frozen=True, slots=True)
class Hedge:
    """Margin of the same lots bought and sold, in account currency.

    `least` is needed for certain. `most` is needed where the broker gives nothing for the hedge;
    both are the same where its rule is known.
    """

    least: Decimal
    most: Decimal


def estimate(
    account: Account, spec: SymbolSpec, side: str, volume: Decimal, price: Decimal
) -> Decimal | None:
    """Return the margin of `volume` lots, in account currency; None where it is not known."""
    a_lot = spec.margin_buy if side == BUY else spec.margin_sell
    if a_lot is None:
        a_lot = _by_leverage(account, spec, price)
    return None if a_lot is None else (a_lot * volume).quantize(_cent(account))


def of_hedge(account: Account, spec: SymbolSpec, lots: Decimal, price: Decimal) -> Hedge | None:
    """Return what `lots` bought and as many sold need together; None where it is not known.

    The first leg stands alone for a moment, so the larger one is always needed.
    """
    legs = [estimate(account, spec, side, lots, price) for side in ("BUY", "SELL")]
    if legs[0] is None or legs[1] is None:
        return None
    alone, both = max(legs[0], legs[1]), legs[0] + legs[1]
    if spec.margin_hedged is None:
        return Hedge(alone, both)
    needed = max(alone, (spec.margin_hedged * lots).quantize(_cent(account)))
    return Hedge(needed, needed)


def _cent(account: Account) -> Decimal:
    """The smallest amount of the account's currency."""
    return Decimal(1).scaleb(-account.money_places)


def _by_leverage(account: Account, spec: SymbolSpec, price: Decimal) -> Decimal | None:
    """Of one lot. A lot is `contract_size` of the base currency, worth as much times the price in
    the profit currency; one of the two must be the account's, for no exchange rate is known."""
    if not account.leverage or not spec.contract_size or not account.currency:
        return None
    if spec.currency_profit == account.currency:
        return spec.contract_size * price / account.leverage
    if spec.currency_base == account.currency:
        return spec.contract_size / account.leverage
    return None
