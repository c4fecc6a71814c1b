"""Specifications and quotes, as each contract tells them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from urllib.parse import unquote

import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import AgentError, SymbolSpec, SymbolUnknown, errors
from accounts.agents.call import target
from accounts.agents.symbols import parse1, parse2, path_of
from tests.agents.conftest import endpoint
from tests.agents.orders import saying
from tests.agents.servers import serving, telling
from tests.agents.test_parsing import JSON
from tests.agents.test_signing import SECRET

QUOTE = {
    "symbol": "EURUSD",
    "bid": 1.08498,
    "ask": 1.0851,
    "spread_points": 0.00012000000000012001,
    "spread_pips": 1.2,
    "pip_value": 0.0001,
    "trade_tick_value": 1.0,
    "point": 1e-05,
    "timestamp": "2026-01-05T10:00:00",
}
SYMBOL = {
    "symbol": "EURUSD",
    "description": "Euro",
    "digits": 5,
    "point": 1e-05,
    "tick_size": 1e-05,
    "tick_value": 0.9123456789012,
    "volume_min": 0.01,
    "volume_max": 100.0,
    "volume_step": 0.01,
    "stops_level": 0,
    "freeze_level": 3,
    "filling_modes": ["FOK", "IOC"],
    "trade_mode": "FULL",
    "contract_size": 100000.0,
    "currency_base": "EUR",
    "currency_profit": "USD",
    "currency_margin": "EUR",
    "tick": {"bid": 1.08498, "ask": 1.0851, "time": "2026-01-05T10:00:00.250Z"},
}


async def read(agents, content, name="EURUSD", status="200 OK", contract="1"):
    async with serving(saying(content, status, contract)) as server:
        return await agents.symbol(endpoint(server.url, contract, secret=SECRET), name)


async def test_contract_1_tells_a_quote_and_nothing_of_volumes(agents):
    async with serving(telling({"/quote/EURUSD": QUOTE})) as server:
        spec = await agents.symbol(endpoint(server.url), "EURUSD")
    assert (spec.bid, spec.ask) == (Decimal("1.08498"), Decimal("1.0851"))
    assert (spec.point, spec.pip_size) == (Decimal("0.00001"), Decimal("0.0001"))
    assert (spec.tick_value, spec.tick_size) == (1, None)
    assert spec.digits == 5
    assert (spec.volume_min, spec.stops_level, spec.quoted_at) == (None,) * 3


async def test_contract_2_tells_it_all(agents):
    spec = await read(agents, SYMBOL, contract="2")
    assert (spec.digits, spec.stops_level, spec.freeze_level) == (5, 0, 3)
    assert (spec.volume_min, spec.volume_step) == (Decimal("0.01"), Decimal("0.01"))
    assert spec.tick_value == Decimal("0.912345678901")
    assert (spec.filling_modes, spec.trade_mode) == (("FOK", "IOC"), "FULL")
    assert (spec.currency_profit, spec.contract_size) == ("USD", 100_000)
    assert (spec.pip_size, spec.ask) == (Decimal("0.0001"), Decimal("1.0851"))
    assert spec.quoted_at == datetime(2026, 1, 5, 10, 0, 0, 250_000, UTC)


def test_a_symbol_without_a_price_has_none():
    spec = parse2(json.dumps({**SYMBOL, "tick": None}).encode())
    assert (spec.bid, spec.ask, spec.quoted_at) == (None, None, None)
    zero = parse1(json.dumps({**QUOTE, "bid": 0.0, "ask": 0}).encode())
    assert (zero.bid, zero.ask) == (None, None)


@pytest.mark.parametrize(
    ("digits", "point", "pip"),
    [
        (5, "1e-05", "0.0001"),
        (3, "0.001", "0.01"),
        (2, "0.01", "0.01"),
        (4, "0.0001", "0.0001"),
        (0, "1.0", "1"),
        (None, "0.01", None),
        (5, "null", None),
    ],
)
def test_a_pip_is_ten_points_where_prices_have_an_odd_last_digit(digits, point, pip):
    text = json.dumps({**SYMBOL, "digits": digits}).replace('"point": 1e-05', f'"point": {point}')
    assert parse2(text.encode()).pip_size == (Decimal(pip) if pip else None)


@pytest.mark.parametrize(
    ("reported", "profit", "value"),
    [
        (0.0000086, 0.01, None),  # 1,000 ticks make 0.0086, which the terminal rounds
        (0.0000086, 0.02, "2"),
        (1.0, 1000.0, None),
        (100.0, 640.51, "64051"),
        (0.0, 12.34, "1234"),
        (0.0, 0.01, None),  # anything from half of it to half as much again
        (1.0, 0.0, None),
    ],
)
def test_a_calculated_value_counts_where_it_says_more_than_what_is_reported(
    reported, profit, value
):
    told = {**SYMBOL, "tick_value": reported, "profit": profit, "profit_ticks": 1000}
    calculated = parse2(json.dumps(told).encode()).value_calculated
    assert calculated == (None if value is None else Decimal(value))


def quoted(**changes: object) -> SymbolSpec:
    return parse1(json.dumps({**QUOTE, **changes}).encode())


@pytest.mark.parametrize(
    ("point", "digits", "pip"),
    [
        (1e-05, 5, "0.0001"),
        (0.0001, 4, "0.0001"),
        (0.001, 3, "0.01"),
        (0.01, 2, "0.01"),
        (0.1, 1, "0.1"),
        (1.0, 0, "1"),
        (0.010000000000000002, 2, "0.01"),
        (0.25, None, None),
        (0.0, None, None),
        (None, None, None),
    ],
)
def test_with_contract_1_digits_and_pip_follow_from_the_point(point, digits, pip):
    """EURUSD 5, USDJPY 3, XAUUSD 2, an index 1: as the agent counts when it opens."""
    spec = quoted(point=point)
    assert spec.digits == digits
    assert spec.pip_size == (Decimal(pip) if pip else None)


@pytest.mark.parametrize("name", ["EURUSD", "USDJPY", "XAUUSD", "US500", "JPY225"])
def test_the_name_of_a_symbol_says_nothing_of_its_pip(name):
    assert quoted(symbol=name).pip_size == Decimal("0.0001")
    assert quoted(symbol=name, point=0.01).pip_size == Decimal("0.01")


@pytest.mark.parametrize(
    ("bid", "ask"), [(1.0851, 1.0851), (1.0852, 1.0851), (1.08498, 1.0851), (1.0, 9.0)]
)
@pytest.mark.parametrize("contract", ["1", "2"])
def test_a_spread_of_nothing_or_less_is_a_quote(contract, bid, ask):
    if contract == "1":
        spec = quoted(bid=bid, ask=ask, spread_points=ask - bid, spread_pips=(ask - bid) * 1e4)
    else:
        spec = parse2(json.dumps({**SYMBOL, "tick": {"bid": bid, "ask": ask}}).encode())
    assert (spec.bid, spec.ask) == (Decimal(str(bid)), Decimal(str(ask)))
    assert spec.pip_size == Decimal("0.0001")


@pytest.mark.parametrize("field", ["spread_points", "spread_pips", "pip_value"])
@pytest.mark.parametrize("value", [None, 0, -3.5, "x", 1e300])
def test_what_the_field_says_of_spread_and_pip_does_not_matter(field, value):
    assert quoted(**{field: value}).pip_size == Decimal("0.0001")


@pytest.mark.parametrize(("size", "point"), [(0, 1e-05), (0.0, 0.0), (1e-05, 0)])
def test_a_tick_or_a_point_of_0_is_not_known(size, point):
    spec = parse2(json.dumps({**SYMBOL, "tick_size": size, "point": point}).encode())
    assert spec.tick_size == (Decimal("0.00001") if size else None)
    assert spec.point == (Decimal("0.00001") if point else None)
    assert spec.ask == Decimal("1.0851")


@pytest.mark.parametrize("contract", ["1", "2"])
async def test_another_symbol_than_the_one_that_was_asked_for_is_refused(agents, contract):
    content = QUOTE if contract == "1" else SYMBOL
    for name in ("GBPUSD", "eurusd"):
        with pytest.raises(errors.Malformed, match=f"expected {name}, got EURUSD"):
            await read(agents, content, name, contract=contract)


async def test_a_symbol_that_the_broker_does_not_have_is_named(agents):
    with pytest.raises(SymbolUnknown, match="no symbol XYZ"):
        await read(agents, {"detail": "Symbol XYZ not found"}, "XYZ", "404 Not Found")
    problem = {"type": "symbol-unknown", "title": "The broker has no such symbol"}
    with pytest.raises(SymbolUnknown, match="no symbol XYZ"):
        await read(agents, problem, "XYZ", "404 Not Found", "2")


async def test_an_agent_without_quotes_does_not_make_a_symbol_unknown(agents):
    with pytest.raises(errors.RefusedRequest, match="HTTP 404"):
        await read(agents, {"detail": "Not Found"}, status="404 Not Found")


@pytest.mark.parametrize("name", ["", ".", "..", "X" * 33])
async def test_what_is_no_name_is_not_asked_for(agents, name):
    async with serving(saying(QUOTE)) as server:
        with pytest.raises(SymbolUnknown):
            await agents.symbol(endpoint(server.url), name)
        assert server.connections == 0


@pytest.mark.parametrize("name", ["#AAPL", "BTC/USD", "US30.cash", "EURUSD+", "A B", "50%", "é"])
async def test_a_name_of_any_characters_arrives_whole_and_signed(agents, name):
    async with serving(saying({**SYMBOL, "symbol": name}, contract="2")) as server:
        spec = await agents.symbol(endpoint(server.url, "2", secret=SECRET), name)
        assert unquote(server.requests[0].path) == f"/v2/symbols/{name}"
    assert spec.symbol == name


@given(st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=32))
def test_the_path_that_is_signed_is_the_path_that_is_sent(name):
    url = target("http://10.0.0.5:8000/agents/3", path_of("/v2/symbols/", name))
    if name.strip("."):
        assert yarl.URL(str(url)).raw_path_qs == url.raw_path.decode()


@given(st.dictionaries(st.sampled_from(sorted(SYMBOL)), JSON, max_size=3))
def test_any_specification_is_one_or_an_agent_error(changes):
    for parse, base in ((parse2, SYMBOL), (parse1, QUOTE)):
        try:
            spec = parse(json.dumps({**base, **changes}).encode())
        except AgentError:
            continue
        for value in (spec.point, spec.tick_size, spec.tick_value, spec.bid, spec.ask):
            assert value is None or 0 < value <= 10**13


async def test_a_quote_that_meets_a_dead_connection_is_asked_for_once_more(agents):
    async def agent(visit):
        if len(server.requests) == 2:
            visit.reset()
        else:
            await visit.json(QUOTE)

    async with serving(agent) as server:
        for _ in range(2):
            await agents.symbol(endpoint(server.url), "EURUSD")
        assert len(server.requests) == 3
