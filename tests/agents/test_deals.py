"""The history of an account, as each contract tells it."""

import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import AgentError, errors
from accounts.agents.deals import MOST, _asked1, closed_position, parse1, parse2
from tests.agents.conftest import endpoint
from tests.agents.orders import saying
from tests.agents.servers import serving
from tests.agents.test_parsing import JSON
from tests.agents.test_signing import SECRET

SINCE = datetime(2026, 1, 5, 10, tzinfo=timezone(timedelta(hours=2)))
UNTIL = datetime(2026, 1, 6, tzinfo=UTC)
DEAL = {
    "ticket": 9,
    "order": 8,
    "position_id": 7,
    "entry": "OUT",
    "type": "SELL",
    "reason": "SL",
    "symbol": "EURUSD",
    "volume": 0.1,
    "price": 1.0851,
    "profit": -12.34,
    "swap": 0.0,
    "commission": -0.7,
    "fee": 0.0,
    "comment": "K7Q2",
    "magic": 4242,
    "time": "2026-01-05T09:00:00.250Z",
    "broker_time_msc": 1767610800250,
}
DEALS = {"login": 7001, "server": "North-Live", "deals": [DEAL, {**DEAL, "ticket": 3}]}
TRADE = {
    "symbol": "EURUSD",
    "side": "BUY",
    "lot": 0.1,
    "pips": 5.0,
    "tp_money": None,
    "sl_money": None,
    "commission": -0.7,
    "profit": 5.0,
    "entry_time": "2026-01-05T08:00:00",
    "exit_time": "2026-01-05T09:00:00",
    "entry_price": 1.0846,
    "exit_price": 1.0851,
    "position_id": 7,
}
HISTORY = {"account_number": 5001, "trades": [TRADE], "total_trades": 1, "total_profit": 5.0}


async def read(agents, content, contract):
    async with serving(saying(content, contract=contract)) as server:
        reading = await agents.deals(endpoint(server.url, contract, secret=SECRET), SINCE, UNTIL)
    return reading, server.paths[0]


def test_contract_1_tells_the_whole_of_a_closed_position():
    [closed] = parse1(json.dumps(HISTORY).encode()).closed
    assert (closed.position_id, closed.side, closed.volume) == (7, "BUY", Decimal("0.1"))
    assert (closed.entry_price, closed.exit_price) == (Decimal("1.0846"), Decimal("1.0851"))
    assert (closed.entry_time, closed.exit_time) == ("2026-01-05T08:00:00", "2026-01-05T09:00:00")
    assert (closed.profit, closed.commission, closed.pips) == (5, Decimal("-0.7"), 5)
    assert (closed.tp_money, closed.sl_money) == (None, None)
    assert closed == closed_position(json.dumps(TRADE).encode())


def test_a_position_that_was_opened_before_the_window_has_no_entry():
    told = {**TRADE, "entry_price": None, "entry_time": None, "pips": None, "sl_money": -5}
    closed = closed_position(json.dumps(told).encode())
    assert (closed.entry_price, closed.entry_time, closed.pips) == (None, "", None)
    assert closed.sl_money == -5


@pytest.mark.parametrize("field", ["entry_price", "pips", "lot", "exit_price"])
def test_figures_of_a_closed_position_that_no_terminal_means_are_refused(field):
    with pytest.raises(errors.Malformed, match=field):
        closed_position(json.dumps({**TRADE, field: 1e12}).encode())


async def test_contract_2_tells_deals_in_the_order_of_their_tickets(agents):
    reading, path = await read(agents, DEALS, "2")
    assert path == "GET /v2/deals?from=2026-01-05T08:00:00.000Z&to=2026-01-06T00:00:00.000Z"
    assert (reading.login, reading.server) == (7001, "North-Live")
    assert [deal.ticket for deal in reading.deals] == [3, 9]
    deal = reading.deals[1]
    assert (deal.order, deal.position_id, deal.entry, deal.type) == (8, 7, "OUT", "SELL")
    assert (deal.volume, deal.price) == (Decimal("0.1"), Decimal("1.0851"))
    assert (deal.profit, deal.commission, deal.fee) == (Decimal("-12.34"), Decimal("-0.7"), 0)
    assert (deal.comment, deal.magic, deal.reason) == ("K7Q2", 4242, "SL")
    assert deal.time == datetime(2026, 1, 5, 9, 0, 0, 250_000, UTC)
    assert deal.broker_time_msc == 1767610800250


async def test_contract_1_is_asked_for_a_day_more_and_tells_what_closed(agents):
    reading, path = await read(agents, HISTORY, "1")
    days = (datetime.now(UTC) - SINCE).days + 33  # one for the zone, 31 for openings, one begun
    assert path == f"GET /trade-history?days={days}"
    (deal,) = reading.deals
    assert (reading.login, reading.server) == (5001, "")
    assert (deal.ticket, deal.order, deal.position_id) == (None, None, 7)
    assert (deal.entry, deal.type) == ("OUT", "SELL")
    assert (deal.volume, deal.price, deal.profit) == (Decimal("0.1"), Decimal("1.0851"), 5)
    assert (deal.time, deal.told_time) == (None, "2026-01-05T09:00:00")
    assert (deal.swap, deal.fee, deal.magic, deal.comment) == (None, None, None, "")


@pytest.mark.parametrize(
    ("ago", "asked"),
    [
        (0, "days=33"),
        (1.5, "days=34"),
        (20, "days=53"),
        (332.9, "days=365"),
        (333.1, "from_date=2025-12-29T09:36:00"),
        (6_000, "from_date=2010-06-24T12:00:00"),
    ],
)
def test_contract_1_is_asked_by_days_for_trades_that_were_open_long(ago, asked):
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert _asked1(now - timedelta(days=ago), now) == asked


async def test_the_empty_list_of_account_0_is_a_failed_read(agents):
    with pytest.raises(errors.TerminalDisconnected):
        await read(agents, {"account_number": 0, "trades": [], "total_trades": 0}, "1")


async def test_no_deals_are_no_deals(agents):
    reading, _ = await read(agents, {**DEALS, "deals": []}, "2")
    assert reading.deals == ()


def parsed(parse, content):
    return parse(json.dumps(content).encode())


@pytest.mark.parametrize(
    ("parse", "content", "match"),
    [
        (parse2, {**DEALS, "login": 0}, "login"),
        (parse2, {**DEALS, "deals": None}, "deals"),
        (parse1, {**HISTORY, "total_trades": 2}, "counts 2 trades and lists 1"),
    ],
)
def test_a_history_that_cannot_be_right_is_an_error_that_names_it(parse, content, match):
    with pytest.raises(errors.Malformed, match=match):
        parsed(parse, content)


@pytest.mark.parametrize(
    ("odd", "ticket", "problem"),
    [
        ({"ticket": 0}, None, "ticket"),
        ({"volume": None}, 9, "volume: missing"),
        ({"volume": -1}, 9, "volume: expected"),
        ({"volume": float("inf")}, 9, "volume: expected number, got Infinity"),
        ({"profit": "1"}, 9, "profit: expected number"),
        ({"ticket": 3}, 3, "ticket: the same number twice"),
    ],
)
def test_an_odd_deal_costs_no_other_deal(odd, ticket, problem):
    rows = [{**DEAL, **odd}, {**DEAL, "ticket": 3}, {**DEAL, "ticket": 2}]
    reading = parsed(parse2, {**DEALS, "deals": rows})
    assert [deal.ticket for deal in reading.deals] == ([2] if ticket == 3 else [2, 3])
    assert reading.unreadable[0].ticket == ticket
    assert problem in reading.unreadable[0].problem


@pytest.mark.parametrize(
    ("odd", "problem"),
    [({"side": "HOLD"}, "expected BUY or SELL"), ({"exit_price": None}, "exit_price: missing")],
)
def test_an_odd_closed_trade_costs_no_other(odd, problem):
    trades = [{**TRADE, **odd}, {**TRADE, "position_id": 70}]
    reading = parsed(parse1, {**HISTORY, "trades": trades, "total_trades": 2})
    assert [closed.position_id for closed in reading.closed] == [70]
    assert [deal.position_id for deal in reading.deals] == [70]
    assert problem in reading.unreadable[0].problem


def test_lots_and_money_of_a_history_are_as_fine_as_they_come():
    told = {**DEAL, "volume": 0.00004, "profit": 0.05132412, "commission": -1e-8}
    (deal,) = parsed(parse2, {**DEALS, "deals": [told]}).deals
    assert (deal.volume, deal.profit) == (Decimal("0.00004"), Decimal("0.05132412"))
    assert deal.commission == Decimal("-0.00000001")
    closed = parsed(parse1, {**HISTORY, "trades": [{**TRADE, "lot": 0.001, "profit": 0.00012}]})
    assert (closed.closed[0].volume, closed.closed[0].profit) == (
        Decimal("0.001"),
        Decimal("0.00012"),
    )


def test_a_list_without_an_end_is_refused():
    listed = [{"ticket": n + 1, "entry": "IN", "type": "BUY"} for n in range(MOST + 1)]
    with pytest.raises(errors.TooLarge, match="more than 10000 deals"):
        parsed(parse2, {**DEALS, "deals": listed})


def test_a_deal_that_moves_money_alone_has_no_volume():
    moved = {**DEAL, "type": "BALANCE", "volume": 0, "price": 0.0, "order": 0, "position_id": 0}
    (deal,) = parsed(parse2, {**DEALS, "deals": [moved]}).deals
    assert (deal.volume, deal.price, deal.order, deal.position_id) == (0, 0, None, None)


async def test_times_without_a_zone_are_our_mistake(agents):
    with pytest.raises(ValueError, match="must say their zone"):
        await agents.deals(endpoint("http://10.0.0.1"), datetime(2026, 1, 1), UNTIL)  # noqa: DTZ001


@given(
    st.lists(st.dictionaries(st.sampled_from(sorted(DEAL)), JSON, max_size=2), max_size=3),
    st.lists(st.dictionaries(st.sampled_from(sorted(TRADE)), JSON, max_size=2), max_size=3),
)
def test_any_history_is_one_or_an_agent_error(deals, trades):
    listed = [{**DEAL, "ticket": n + 1, **change} for n, change in enumerate(deals)]
    told = [{**TRADE, "position_id": n + 1, **change} for n, change in enumerate(trades)]
    for parse, content in (
        (parse2, {**DEALS, "deals": listed}),
        (parse1, {**HISTORY, "trades": told, "total_trades": len(told)}),
    ):
        try:
            reading = parsed(parse, content)
        except AgentError:
            continue
        for deal in reading.deals:
            assert deal.volume >= 0
            assert deal.profit.is_finite()
            assert len(deal.comment) <= 64
            assert deal.time is None or deal.time.utcoffset() == timedelta()
