"""The margin of a trade: by the terminal, else by what the lots are worth."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.agents import SymbolSpec
from accounts.models import Account
from trading import margin
from trading.margin import Hedge


def account(leverage: int | None = 100, currency: str = "USD") -> Account:
    return Account(number=1, leverage=leverage, currency=currency)


def spec(size: object, base: str, profit: str, of_margin: str, **more: Any) -> SymbolSpec:
    return SymbolSpec(
        symbol="X",
        contract_size=Decimal(str(size)),
        currency_base=base,
        currency_profit=profit,
        currency_margin=of_margin,
        **more,
    )


BY_LEVERAGE: dict[str, tuple[SymbolSpec, str, str, str | None]] = {
    "US30": (spec(1, "USD", "USD", "USD"), "10", "42002", "4200.20"),
    "XAUUSD": (spec(100, "XAU", "USD", "USD"), "1", "4000.20", "4000.20"),
    "XAUUSD, margin in gold": (spec(100, "XAU", "USD", "XAU"), "1", "4000.20", "4000.20"),
    "EURUSD": (spec(100_000, "EUR", "USD", "EUR"), "5", "1.16660", "5833.00"),
    "USDJPY": (spec(100_000, "USD", "JPY", "USD"), "0.5", "151.40", "500.00"),
    "EURGBP": (spec(100_000, "EUR", "GBP", "EUR"), "1", "0.8540", None),
}


@pytest.mark.parametrize("name", BY_LEVERAGE)
def test_the_margin_is_what_the_lots_are_worth_by_the_leverage(name: str) -> None:
    symbol, volume, price, right = BY_LEVERAGE[name]
    found = margin.estimate(account(), symbol, "BUY", Decimal(volume), Decimal(price))
    assert found == (None if right is None else Decimal(right))


def test_the_terminal_s_own_figure_goes_before_any_estimate() -> None:
    told = spec(1, "USD", "USD", "USD", margin_buy=Decimal(2100), margin_sell=Decimal(2099))
    assert margin.estimate(account(), told, "BUY", Decimal(2), Decimal(42_000)) == Decimal(4200)
    assert margin.estimate(account(None), told, "SELL", Decimal(2), Decimal(1)) == Decimal(4198)


@pytest.mark.parametrize("missing", [account(None), account(currency="")])
def test_without_leverage_or_currency_the_margin_is_unknown(missing: Account) -> None:
    us30 = spec(1, "USD", "USD", "USD")
    assert margin.estimate(missing, us30, "BUY", Decimal(1), Decimal(42_000)) is None
    assert margin.of_hedge(missing, us30, Decimal(1), Decimal(42_000)) is None


LOT = {"margin_buy": Decimal(1167), "margin_sell": Decimal(1166)}
HEDGES = {
    "free": (Decimal(0), Hedge(Decimal(5835), Decimal(5835))),
    "as one leg": (Decimal("1166.5"), Hedge(Decimal(5835), Decimal(5835))),
    "both": (Decimal(2333), Hedge(Decimal(11665), Decimal(11665))),
    "unknown": (None, Hedge(Decimal(5835), Decimal(11665))),
}


@pytest.mark.parametrize("rule", HEDGES)
def test_a_hedge_needs_its_larger_leg_and_what_the_broker_asks_for_both(rule: str) -> None:
    hedged, right = HEDGES[rule]
    told = spec(100_000, "EUR", "USD", "EUR", margin_hedged=hedged, **LOT)
    assert margin.of_hedge(account(), told, Decimal(5), Decimal("1.1666")) == right
