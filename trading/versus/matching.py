"""Whether the legs of a versus hedge each other: a lot of A's symbol must be as much as one of B's.

Brokers name and size the same instrument differently: 100 ounces a lot at one, 10 at the other.
What both agents report is compared; a difference is not explained by the names of the symbols.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading.versus.check import Check

# One exchange rate and two quotes of one instrument differ by less; errors of size are factors.
VALUES_DIFFER = Decimal("0.10")
PRICES_DIFFER = Decimal("0.02")
# Accounts of unknown currencies: no two currencies of desks are this far apart, but for a yen.
CURRENCIES_DIFFER = Decimal(2)


@dataclass(frozen=True, slots=True)
class Leg:
    account: Account
    spec: SymbolSpec

    @property
    def words(self) -> str:
        return f"{self.spec.symbol} on {self.account.title}"

    @property
    def value(self) -> Decimal | None:
        """Account currency, for a price change of 1 and one lot; None where it is not known."""
        spec = self.spec
        if not spec.tick_size or not spec.tick_value:
            return None
        return spec.tick_value / spec.tick_size

    @property
    def price(self) -> Decimal | None:
        bid, ask = self.spec.bid, self.spec.ask
        return None if bid is None or ask is None else (bid + ask) / 2


def compare(a: Leg, b: Leg) -> Iterator[Check]:
    """What speaks against equal lots of both, or is not known of them."""
    yield from _currencies(a, b)
    blocks = list(_sizes(a, b))
    yield from blocks or _prices(a, b)
    yield from _digits(a, b)


def _currencies(a: Leg, b: Leg) -> Iterator[Check]:
    of_a, of_b = a.spec.currency_profit, b.spec.currency_profit
    if of_a and of_b and of_a != of_b:
        yield Check(
            f"{a.words} makes its profit in {of_a}, {b.words} in {of_b}: they are not the same"
            " instrument. Choose symbols that match."
        )
    of_a, of_b = a.spec.currency_base, b.spec.currency_base
    if of_a and of_b and of_a != of_b:
        yield Check(
            f"{a.words} is in {of_a}, {b.words} in {of_b}. Make sure that they are the same"
            " instrument.",
            blocks=False,
        )


def _sizes(a: Leg, b: Leg) -> Iterator[Check]:
    of_a, of_b = a.spec.contract_size, b.spec.contract_size
    if of_a and of_b and of_a != of_b:
        yield Check(
            f"A lot of {a.words} is {_plain(of_a)}, a lot of {b.words} is {_plain(of_b)}: equal"
            f" lots do not hedge each other. {_plain_lots(of_a, of_b)}"
        )
        return
    yield from _moves(a, b, sizes_match=bool(of_a and of_b))


def _moves(a: Leg, b: Leg, *, sizes_match: bool) -> Iterator[Check]:
    """By the money that a price change makes on each account."""
    of_a, of_b = a.value, b.value
    if of_a is None or of_b is None:
        if not sizes_match:
            text = f"Whether a lot of {a.words} is as much as one of {b.words} is not known."
            yield Check(f"{text} Compare their contract sizes in both terminals.", blocks=False)
        return
    currencies = {a.account.currency, b.account.currency}
    if len(currencies - {""}) == 2:
        return  # the exchange rate between them is not known here
    factor = max(of_a, of_b) / min(of_a, of_b)
    if factor <= 1 + VALUES_DIFFER:
        return
    if "" in currencies and factor < CURRENCIES_DIFFER:
        # Without figures that move with the market: it is acknowledged word by word.
        text = f"A price change does not make the same money on {a.words} and {b.words}."
        yield Check(
            f"{text} Make sure that the accounts only differ in their currency.", blocks=False
        )
        return
    yield Check(
        f"A price change of 1 makes {_money(of_a)} a lot on {a.account.title} and {_money(of_b)}"
        f" on {b.account.title}: equal lots do not hedge each other. {_plain_lots(of_a, of_b)}"
    )


def _prices(a: Leg, b: Leg) -> Iterator[Check]:
    of_a, of_b = a.price, b.price
    if of_a is None or of_b is None:
        return
    if abs(of_a - of_b) > PRICES_DIFFER * min(of_a, of_b):
        yield Check(
            f"{a.words} is quoted at {_plain(of_a)}, {b.words} at {_plain(of_b)}: they are not the"
            " same instrument. Choose symbols that match."
        )


def _digits(a: Leg, b: Leg) -> Iterator[Check]:
    of_a, of_b = a.spec.digits, b.spec.digits
    if of_a is not None and of_b is not None and of_a != of_b:
        text = f"Prices of {a.words} have {of_a} decimals, those of {b.words} {of_b}"
        yield Check(f"{text}: stops are rounded differently.", blocks=False)


def _plain_lots(of_a: Decimal, of_b: Decimal) -> str:
    """What would match, in words: a versus takes the same lots on both accounts."""
    if of_a > of_b:
        return f"1 lot on A is {_ratio(of_a, of_b)} lots on B. Choose symbols that match."
    return f"1 lot on B is {_ratio(of_b, of_a)} lots on A. Choose symbols that match."


def _ratio(larger: Decimal, smaller: Decimal) -> str:
    return _plain(round(larger / smaller, 2))


def _money(value: Decimal) -> str:
    return _plain(round(value, 2))


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
