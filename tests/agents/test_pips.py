"""Contract 1 opens with SL and TP in pips: they lead to the level that was asked, or stay here."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from accounts.agents import NotSent, SymbolSpec
from accounts.agents.symbols import parse1
from accounts.agents.trade1 import pips
from tests.agents.orders import DONE1, SPEC, order, saying, traded
from tests.agents.servers import serving


@pytest.mark.parametrize(
    "changes",
    [
        {"pip_size": None},
        {"ask": None},
        {"symbol": "GBPUSD"},
        None,
    ],
)
async def test_stops_are_not_sent_while_the_size_of_a_pip_is_unknown(agents, changes):
    spec = None if changes is None else msgspec.structs.replace(SPEC, **changes)
    async with serving(saying(DONE1)) as server:
        called = await traded(agents, server, order(sl=Decimal("1.08")), spec=spec)
        assert server.connections == 0
    assert isinstance(called, NotSent)
    assert "how large a pip of EURUSD is" in called.sentence


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"sl": Decimal("1.0851")}, "below"),
        ({"sl": Decimal("1.2")}, "below"),
        ({"tp": Decimal("1.0")}, "above"),
        ({"side": "SELL", "sl": Decimal("1.0")}, "above"),
        ({"side": "SELL", "tp": Decimal("1.2")}, "below"),
        ({"sl": Decimal("1.0850999999")}, "below"),
    ],
)
async def test_a_stop_on_the_wrong_side_of_the_market_is_not_sent(agents, changes, where):
    async with serving(saying(DONE1)) as server:
        called = await traded(agents, server, order(**changes))
        assert server.connections == 0
    assert isinstance(called, NotSent)
    assert f"is not {where} the market" in called.sentence


@given(
    st.sampled_from(["BUY", "SELL"]),
    st.sampled_from([1, 10, 100]),
    st.integers(0, 5),
    st.integers(1, 200_000),
    st.integers(1, 99_999),
    st.booleans(),
)
def test_pips_lead_back_to_the_level_exactly(side, points_a_pip, digits, market, distance, is_tp):
    point = Decimal(1).scaleb(-digits)
    price = market * point
    above = is_tp == (side == "BUY")
    level = price + distance * point if above else price - distance * point
    assume(level > 0)
    spec = SymbolSpec(
        symbol="EURUSD", pip_size=point * points_a_pip, bid=price, ask=price, point=point
    )
    count = pips(order(side=side), spec, level, above=above)
    back = count * spec.pip_size
    assert (price + back if above else price - back) == level


@pytest.mark.parametrize(
    ("name", "point", "ask", "sl", "count"),
    [
        ("GBPUSD", 0.0001, 1.2710, "1.2690", "20"),
        ("EURUSD", 0.00001, 1.08510, "1.08310", "20"),
        ("EURUSD", 0.00001, 1.08510, "1.08305", "20.5"),
        ("USDJPY", 0.001, 151.412, "151.212", "20"),
        ("USDJPY.x", 0.01, 151.41, "151.21", "20"),
        ("XAUUSD", 0.01, 2385.18, "2383.18", "200"),
        ("US30", 0.1, 39452.4, "39402.4", "500"),
        ("US500", 0.01, 5240.25, "5230.00", "1025"),
        ("JP225", 1.0, 38500, "38450", "50"),
    ],
)
def test_a_level_goes_out_in_the_pips_in_which_the_agent_opens(name, point, ask, sl, count):
    told = {"symbol": name, "bid": ask, "ask": ask, "point": point, "spread_points": 0.0}
    spec = parse1(json.dumps(told).encode())
    assert pips(order(symbol=name), spec, Decimal(sl), above=False) == Decimal(count)
