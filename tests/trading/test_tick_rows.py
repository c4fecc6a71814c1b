"""Ticks as forms have them: as the terminal calculates, checked against the account's own rows."""

from decimal import Decimal

import pytest

from tests.factories import make_position
from tests.trading.desk import Desk
from trading import quotes, ticks

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
SYMBOL = "USDJPY"


def test_what_the_terminal_calculates_goes_before_what_it_reports(desk: Desk) -> None:
    """A tick value in yen, reported as if it were dollars."""
    terminal = desk.venue.member("2").terminal
    terminal.overrides[SYMBOL] = {"trade_tick_value": 100.0}
    spec = quotes.fresh(desk.accounts["2"], SYMBOL)
    dollars = terminal.account.market.dollars(terminal.account.market.quotes[SYMBOL].symbol)
    assert spec.tick_value is not None
    assert float(spec.tick_value) == pytest.approx(100 * dollars, rel=0.01)


def test_a_value_that_an_open_position_contradicts_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = desk.accounts["2"]
    terminal = desk.venue.member("2").terminal
    terminal.overrides[SYMBOL] = {"trade_tick_value": 100.0}
    # An agent of before, which does not have its terminal calculate.
    monkeypatch.setattr(type(terminal), "order_calc_profit", lambda *_: None)
    assert ticks.refusal_of(quotes.fresh(account, SYMBOL)) == ""
    make_position(
        account,
        symbol=SYMBOL,
        side="BUY",
        volume=Decimal(1),
        open_price=Decimal("150.000"),
        current_price=Decimal("151.000"),
        profit=Decimal("662.25"),
    )
    assert "contradicts that" in ticks.refusal_of(quotes.fresh(account, SYMBOL))
