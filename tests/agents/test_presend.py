"""Which messages of contract 1 prove that nothing was sent: known ones, whole, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents.presend import proves_nothing_sent
from tests.agents.orders import POSITION, order

OF_ANY_ORDER = [
    "Symbol EURUSD not found",
    "symbol EURUSD was not found.",
    "Symbol not found: EURUSD",
    "Symbol 'EURUSD' not found",
    "Symbol EURUSD not allowed for trading",
    "Trading not allowed",
    "Trading is not allowed on this account",
    "Trading not allowed for symbol EURUSD",
    "Trade not allowed",
    "Lot 0.001 below minimum 0.01",
    "Lot size 0.001 is below minimum (0.01)",
    "Volume below the minimum",
    "Volume 500.0 is above maximum 100.0",
    "Lot size above maximum: 100",
    "SL too close to current price",
    "Stop loss too close. Minimum distance: 10 points",
    "SL/TP too close to market price (minimum 1.5 pips)",
    "Take profit is too close to the current price 1.0851",
    "Stops too close",
    "Insufficient margin",
    "Insufficient margin. Required: $120.50, Available: $100.00",
    "insufficient free margin: need 120.5 USD, have 100 USD",
    "MT5 not initialized",
    "MT5 is not initialised",
    "MetaTrader5 not initialized",
    "Invalid order type",
    "Invalid order type: BUY. Must be BUY or SELL",
]
OF_A_POSITION = [
    "Position not found",
    f"Position {POSITION} not found",
    f"Position #{POSITION} not found.",
    f"Position with ticket {POSITION} not found",
    f"Ticket {POSITION} not found",
    f"Position not found: {POSITION}",
]
PROVE_NOTHING = [
    "",
    "Not found",
    "Failed",
    "Order failed",
    "Order failed: Symbol EURUSD not found",
    "Order sent, but position not found",
    "Order executed but symbol EURUSD not found in result",
    "Order failed: 10019 - No money",
    "No money",
    "Invalid stops",
    "Requote",
    "Market closed",
    "Timeout",
    "Trade request timed out: trading not allowed",
    "Symbol GBPUSD not found",
    "Symbol eurusd not found",
    "Symbol EURUSD not not found",
    "Trading not allowed, but position opened",
    "not trading not allowed",
    "Trading allowed",
    "Order not found",
    "Deal not found",
    "Result not found",
    "order_send failed: insufficient margin",
    "Insufficient margin after partial fill",
    "Insufficient funds",
    "MT5 not initialized after order_send",
    "MT5 not connected",
    "SL too close; order placed without SL",
    "Position opened, SL too close",
    "retcode=10016 SL too close",
    "Invalid order",
    "Invalid type",
    "above maximum",
    "below minimum",
    "too close",
    "None",
    "null",
    "Insufficient margin\x00",
    "Insufficient margin\u202e",
    "Insufficient margin " * 20,
    '{"detail": "Insufficient margin"}',
    "<h1>Insufficient margin</h1> nginx",
]


@pytest.mark.parametrize("kind", ["open", "close", "modify"])
@pytest.mark.parametrize("detail", OF_ANY_ORDER)
def test_a_message_of_a_check_before_the_sending_proves_it(detail, kind):
    assert proves_nothing_sent(detail, order(kind))
    assert proves_nothing_sent(detail.upper(), order(kind))


@pytest.mark.parametrize("detail", OF_A_POSITION)
def test_a_position_that_is_not_found_proves_it_for_a_close_and_a_modify(detail):
    assert proves_nothing_sent(detail, order("close"))
    assert proves_nothing_sent(detail, order("modify"))


@pytest.mark.parametrize("detail", OF_A_POSITION)
def test_a_position_that_is_not_found_proves_nothing_of_an_open(detail):
    """It may have been looked for after the order was sent."""
    assert not proves_nothing_sent(detail, order())


@pytest.mark.parametrize("kind", ["close", "modify"])
@pytest.mark.parametrize(
    "detail", ["Position 999 not found", "Position not found: 999", "Ticket 50123450 not found"]
)
def test_another_position_that_is_not_found_proves_nothing(detail, kind):
    assert not proves_nothing_sent(detail, order(kind))


@pytest.mark.parametrize("kind", ["open", "close", "modify"])
@pytest.mark.parametrize("detail", PROVE_NOTHING)
def test_any_other_message_proves_nothing(detail, kind):
    assert not proves_nothing_sent(detail, order(kind))


def test_a_symbol_with_a_slash_or_a_hash_is_one_word():
    for symbol in ("BTC/USD", "#AAPL", "US30.cash", "EURUSD."):
        assert proves_nothing_sent(f"Symbol {symbol} not found", order(symbol=symbol))


@given(st.sampled_from(OF_ANY_ORDER), st.text(min_size=1, max_size=12), st.booleans())
def test_a_word_that_nobody_knows_makes_it_prove_nothing(detail, word, first):
    """A letter that no known message holds stands for all that may be added to one."""
    strange = f"{word} zq{word} " if first else f" zq {word}"
    told = strange + detail if first else detail + strange
    assert not proves_nothing_sent(told, order())


@given(st.text(max_size=250))
def test_any_text_is_judged(detail):
    assert proves_nothing_sent(detail, order()) in (True, False)
