"""What is checked before an order is sent, and what accounts and symbols allow."""

from pathlib import Path
from typing import Any

import pytest

from agent.errors import TerminalError
from agent.orders.rules import decimal
from tests.agent.trading import TradingDesk, moment


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


async def test_an_order_for_another_login_or_server_is_refused(desk: TradingDesk) -> None:
    assert await desk.refused(desk.body(expected_login=1)) == "login-mismatch"
    assert await desk.refused(desk.body(expected_server="Other-Live")) == "server-mismatch"
    assert (await desk.placed(expected_server=""))["outcome"] == "done"


async def test_an_expired_order_is_refused_at_the_second_it_ends(desk: TradingDesk) -> None:
    now = desk.clock()
    assert await desk.refused(desk.body(expires_at=moment(now))) == "order-expired"
    assert (await desk.placed(expires_at=moment(now + 0.001)))["outcome"] == "done"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"symbol": "NOPE"}, "symbol-unknown"),
        ({"symbol": "eurusd"}, "symbol-unknown"),
        ({"volume": 0.015}, "volume-invalid"),
        ({"volume": 0.001}, "volume-invalid"),
        ({"volume": 100.01}, "volume-invalid"),
        ({"volume": 99.0}, "margin-insufficient"),
        ({"sl": 9.0}, "stops-invalid"),
        ({"tp": 0.5}, "stops-invalid"),
        ({"sl": 1.000001}, "stops-invalid"),
        ({"side": "SELL", "sl": 0.5}, "stops-invalid"),
        ({"side": "SELL", "tp": 9.0}, "stops-invalid"),
        ({"kind": "close", "position": 5, "side": None}, "position-not-found"),
        ({"kind": "modify", "position": 5, "volume": None}, "position-not-found"),
    ],
)
async def test_what_cannot_be_executed_is_refused_in_plain_words(
    desk: TradingDesk, changes: dict[str, Any], kind: str
) -> None:
    body = desk.body(**changes)
    assert await desk.refused(body) == kind
    assert (await desk.record(body["tag"]))["message"]


async def test_a_level_closer_than_the_broker_allows_is_refused(desk: TradingDesk) -> None:
    """US30 asks for 20 points of 0.1, measured from the closing side."""
    bid, ask = desk.price("US30")
    close = desk.body(symbol="US30", volume=0.1, sl=round(bid - 1.9, 1))
    assert await desk.refused(close) == "stops-too-close"
    close = desk.body(symbol="US30", volume=0.1, side="SELL", sl=round(ask + 1.9, 1))
    assert await desk.refused(close) == "stops-too-close"
    far = await desk.placed(symbol="US30", volume=0.1, sl=round(bid - 2.0, 1))
    assert far["outcome"] == "done"


@pytest.mark.parametrize("switch", ["read_only", "trading_off"])
async def test_a_login_that_may_not_trade_is_told_so(desk: TradingDesk, switch: str) -> None:
    setattr(desk.terminal, switch, True)
    assert await desk.refused(desk.body()) == "trading-not-allowed"


async def test_a_terminal_without_its_broker_sends_nothing(desk: TradingDesk) -> None:
    desk.terminal.connected = False
    assert await desk.refused(desk.body()) == "account-unreadable"
    desk.terminal.connected = True
    desk.terminal.positions_fail = True
    assert await desk.refused(desk.body()) == "positions-unreadable"


async def test_a_position_is_closed_in_part_and_then_whole(desk: TradingDesk) -> None:
    ticket = (await desk.placed(volume=0.05))["position"]
    part = await desk.changed("close", ticket, volume=0.03, side="BUY")
    assert (part["outcome"], part["volume"], part["position"]) == ("done", 0.03, ticket)
    assert desk.account.positions[ticket].volume == 0.02
    assert await desk.refused(desk.change("close", ticket, volume=0.03)) == "volume-invalid"
    rest = await desk.changed("close", ticket)
    assert (rest["outcome"], rest["volume"]) == ("done", 0.02)
    assert desk.account.positions == {}
    assert await desk.refused(desk.change("close", ticket)) == "position-not-found"


async def test_a_rest_below_the_minimum_can_be_closed(desk: TradingDesk) -> None:
    ticket = (await desk.placed(symbol="US30", volume=0.2))["position"]
    desk.account.positions[ticket].volume = 0.05
    assert (await desk.changed("close", ticket, symbol="US30"))["volume"] == 0.05


async def test_levels_are_moved_removed_and_left_alone(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    bid, _ = desk.price()
    sl, tp = round(bid - 0.001, 5), round(bid + 0.001, 5)
    moved = await desk.changed("modify", ticket, sl=sl, tp=tp)
    assert (moved["outcome"], moved["position"], moved["volume"]) == ("done", ticket, None)
    assert (desk.account.positions[ticket].sl, desk.account.positions[ticket].tp) == (sl, tp)
    same = await desk.changed("modify", ticket, sl=sl, tp=tp)
    assert (same["outcome"], same["retcode_name"]) == ("done", "NO_CHANGES")
    await desk.changed("modify", ticket, sl=sl)
    assert desk.account.positions[ticket].tp == 0


async def test_a_position_of_another_symbol_or_side_is_not_touched(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    other = desk.change("close", ticket, symbol="GBPUSD")
    assert await desk.refused(other) == "position-mismatch"
    assert await desk.refused(desk.change("close", ticket, side="SELL")) == "position-mismatch"
    assert ticket in desk.account.positions


async def test_hedging_accounts_hold_both_sides(desk: TradingDesk) -> None:
    desk.account.hedging = True
    buy, sell = await desk.placed(), await desk.placed(side="SELL")
    assert set(desk.account.positions) == {buy["position"], sell["position"]}


async def test_a_netting_account_adds_to_its_position_and_is_never_turned(
    desk: TradingDesk,
) -> None:
    desk.account.hedging = False
    first, second = await desk.placed(volume=0.1), await desk.placed(volume=0.2)
    assert second["position"] == first["position"] != second["order"]
    assert desk.account.positions[first["position"]].volume == pytest.approx(0.3)
    assert await desk.refused(desk.body(side="SELL")) == "netting-opposite"
    assert (await desk.placed(symbol="GBPUSD", side="SELL"))["outcome"] == "done"
    closed = await desk.changed("close", first["position"], volume=0.25)
    assert closed["outcome"] == "done"
    assert desk.account.positions[first["position"]].volume == pytest.approx(0.05)


@pytest.mark.parametrize(("mask", "number"), [(1, 0), (2, 1), (3, 1)])
async def test_the_filling_mode_is_one_that_the_symbol_has(
    desk: TradingDesk, mask: int, number: int
) -> None:
    symbol = desk.account.market.quotes["EURUSD"].symbol
    object.__setattr__(symbol, "filling", mask)
    try:
        assert (await desk.placed())["outcome"] == "done"
    finally:
        object.__setattr__(symbol, "filling", 3)
    (send,) = desk.sends()
    assert send["request"]["type_filling"] == number


async def test_a_frozen_position_is_not_touched(desk: TradingDesk) -> None:
    bid, _ = desk.price()
    ticket = (await desk.placed(sl=round(bid - 0.00015, 5)))["position"]
    symbol = desk.account.market.quotes["EURUSD"].symbol
    object.__setattr__(symbol, "freeze_level", 20)
    try:
        assert await desk.refused(desk.change("close", ticket)) == "position-frozen"
        assert await desk.refused(desk.change("modify", ticket)) == "position-frozen"
    finally:
        object.__setattr__(symbol, "freeze_level", 0)


async def test_what_a_symbol_is_closed_for_is_refused(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    modes = {0: ("BUY", "SELL"), 1: ("SELL",), 2: ("BUY",), 3: ("BUY", "SELL")}
    for mode, sides in modes.items():
        desk.terminal.trade_mode = mode
        for side in sides:
            assert await desk.refused(desk.body(side=side)) == "symbol-not-tradable"
    assert (await desk.changed("close", ticket))["outcome"] == "done"


async def test_a_level_that_stays_may_have_come_too_close(desk: TradingDesk) -> None:
    """Moving the one level does not need room for the other."""
    bid, _ = desk.price("US30")
    ticket = (await desk.placed(symbol="US30", volume=0.1, sl=round(bid - 5, 1)))["position"]
    close = round(bid - 0.5, 1)
    desk.account.positions[ticket].sl = close
    moved = await desk.changed("modify", ticket, symbol="US30", sl=close, tp=round(bid + 9, 1))
    assert moved["outcome"] == "done"


@pytest.mark.parametrize("figure", [float("nan"), float("inf"), float("-inf")])
def test_a_figure_that_is_no_number_is_compared_with_nothing(figure: float) -> None:
    with pytest.raises(TerminalError, match="not a number"):
        decimal(figure)
