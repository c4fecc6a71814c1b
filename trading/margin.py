"""The margin that a trade would need, as far as the account and its symbol tell.

Brokers may ask for more or less on single symbols; the agents have no call that asks them.
"""

from decimal import Decimal

from accounts.agents import SymbolSpec
from accounts.models import Account


def estimate(account: Account, spec: SymbolSpec, volume: Decimal, price: Decimal) -> Decimal | None:
    """Account currency, by the account's leverage; None where that is not known."""
    if not account.leverage or not spec.contract_size or not account.currency:
        return None
    lots = volume * spec.contract_size / account.leverage
    if spec.currency_margin == account.currency:
        return lots.quantize(Decimal("0.01"))
    if spec.currency_base == spec.currency_margin and spec.currency_profit == account.currency:
        return (lots * price).quantize(Decimal("0.01"))
    return None
