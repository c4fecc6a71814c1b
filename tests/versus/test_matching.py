"""Legs that do not hedge each other are found before anything is opened."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading.versus.matching import Leg, compare

XAUUSD: dict[str, Any] = {
    "symbol": "XAUUSD",
    "digits": 2,
    "tick_size": Decimal("0.01"),
    "tick_value": Decimal(1),
    "contract_size": Decimal(100),
    "currency_base": "XAU",
    "currency_profit": "USD",
    "bid": Decimal("4000.10"),
    "ask": Decimal("4000.30"),
}


def leg(number: int, currency: str = "USD", **columns: Any) -> Leg:
    return Leg(Account(number=number, currency=currency), SymbolSpec(**XAUUSD | columns))


def found(*, a: Leg | None = None, **b: Any) -> list[tuple[bool, str]]:
    currency = b.pop("currency", "USD")
    checks = compare(a or leg(1), leg(2, currency, **b))
    return [(check.blocks, check.sentence) for check in checks]


def test_the_same_instrument_matches_whatever_it_is_called() -> None:
    assert found(symbol="GOLD.m", bid=Decimal("3999.80"), ask=Decimal("4000.40")) == []


def test_a_lot_of_a_tenth_hedges_a_tenth_and_is_refused() -> None:
    tenth = {"symbol": "GOLD", "contract_size": Decimal(10), "tick_value": Decimal("0.1")}
    ((blocks, sentence),) = found(**tenth)
    assert blocks
    assert "A lot of XAUUSD on 1 is 100, a lot of GOLD on 2 is 10" in sentence
    assert "1 lot on A is 10 lots on B" in sentence


def test_the_money_of_a_price_change_is_compared_where_sizes_are_unknown() -> None:
    """As of agents over API v1."""
    tenth = {"contract_size": None, "tick_value": Decimal("0.1")}
    ((blocks, sentence),) = found(**tenth)
    assert blocks
    assert "makes 100 a lot on 1 and 10 on 2" in sentence
    assert found(contract_size=None, tick_value=Decimal("1.05")) == []


def test_equal_sizes_whose_values_differ_are_refused() -> None:
    assert [blocks for blocks, _ in found(tick_value=Decimal(10))] == [True]


def test_accounts_of_other_currencies_are_compared_by_size_alone() -> None:
    assert found(currency="EUR", tick_value=Decimal("0.86")) == []


def test_values_of_accounts_of_unknown_currency_can_differ_by_an_exchange_rate() -> None:
    ((blocks, sentence),) = found(
        currency="", a=leg(1, "", contract_size=None), tick_value=Decimal("0.86")
    )
    assert not blocks
    assert "only differ in their currency" in sentence


def test_what_cannot_be_compared_is_a_warning() -> None:
    ((blocks, sentence),) = found(contract_size=None, tick_value=None)
    assert not blocks
    assert "is not known" in sentence


DIFFERENT: dict[str, tuple[dict[str, Any], bool, str]] = {
    "profit currency": ({"currency_profit": "EUR"}, True, "makes its profit in USD"),
    "base": ({"currency_base": "GLD"}, False, "is in XAU"),
    "price": ({"bid": Decimal("400.01"), "ask": Decimal("400.03")}, True, "is quoted at 4000.2"),
    "digits": ({"digits": 3}, False, "have 2 decimals"),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_what_differs_is_named(what: str) -> None:
    columns, blocks, text = DIFFERENT[what]
    ((really, sentence),) = found(**columns)
    assert (really, text in sentence) == (blocks, True), sentence
