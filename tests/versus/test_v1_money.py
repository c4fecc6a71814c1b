"""A versus with stops in money between two agents of contract 1, from its creation to its end, held
to the venue's ledger: volume, side, levels on a tick, and the money that closing there brings."""

import re
from collections.abc import Iterator
from decimal import Decimal
from math import log
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from agent.simulated.account import BUY, SELL, SimulatedAccount
from agent.simulated.symbols import BY_NAME, Symbol
from tests.factories import make_user
from tests.valkey import PrivateValkey
from tests.venue import Venue
from tests.versus.pair import Pair
from tests.versus.visitor import RUN, page_of
from trading import history
from trading.models import Order, Versus
from trading.versus import desk, preview
from trading.versus.states import State

pytestmark = pytest.mark.django_db
D = Decimal
A, B = "1", "3"
LOTS = D("0.40")
MONEY = {"sl_a": D(300), "tp_a": D(450), "sl_b": D(360), "tp_b": D(420)}
SYMBOLS = ["EURUSD", "XAUUSD", "USDJPY", "US500"]


@pytest.fixture
def still(tmp_path: Path, valkey: PrivateValkey, versus_on: None, runner: User) -> Iterator[Pair]:
    """Two accounts of agents of contract 1, on a market that moves when a test says so."""
    with Venue(tmp_path, 6) as venue:
        world = venue.member(A).terminal.world
        now = world.clock()
        world.clock = lambda: now
        world.market.on_second = None
        yield Pair(venue, runner, a=A, b=B)


def broker(pair: Pair, role: str) -> SimulatedAccount:
    return pair.venue.member(pair.names[role]).terminal.account


def move(pair: Pair, symbol: str, share: float) -> None:
    quote = broker(pair, "a").market.quotes[symbol]
    quote.deviation += log(1 + share)


def traded(pair: Pair, symbol: str) -> None:
    """Five trades on each account, closed at other prices, as its history tells them."""
    for side, share in ((BUY, 0.004), (SELL, 0.003), (BUY, -0.005), (SELL, -0.002), (BUY, 0.0035)):
        ats = [int(broker(pair, "a").market.now) - 3600, int(broker(pair, "a").market.now) - 1800]
        held = [broker(pair, role).open(BY_NAME[symbol], side, 0.3, ats[0]) for role in "ab"]
        move(pair, symbol, share)
        for position in held:
            position.account.close(position, ats[1])
    for role in "ab":
        assert history.sync(pair.accounts[role]).ok
    pair.read()


def ledger(pair: Pair, role: str, versus: Versus, kind: str = "open") -> list[dict[str, Any]]:
    """What the venue executed for the versus there, newest state of each of its positions last."""
    tags = set(Order.objects.filter(versus=versus).values_list("tag", flat=True))
    entries = pair.venue.entries(pair.names[role], "execution")
    return [entry["position"] for entry in entries if entry["position"]["comment"] in tags]


def at(pair: Pair, role: str, position: dict[str, Any], level: float) -> Decimal:
    """What the venue books when the position closes at `level`: profit and commission."""
    symbol, account = BY_NAME[position["symbol"]], broker(pair, role)
    rate = 1 / level if symbol.dollar == "own" else account.market.dollars(symbol)
    held = account.positions[position["ticket"]]
    fees = 2 * round(symbol.lot_fee * position["volume"], 2)
    return D(str(round(held.profit_at(level, rate) - fees, 2)))


def near(symbol: Symbol, lots: Decimal, asked: Decimal) -> Decimal:
    """How far the money of a stop may be off: one tick, and where the profit is in another
    currency what the price itself has moved until the stop."""
    tick = D(str(symbol.tick * symbol.contract_size)) * lots
    return asked * D("0.02") if symbol.dollar == "own" else tick + D("0.02")


def check_money(pair: Pair, role: str, position: dict[str, Any], share: Decimal) -> None:
    symbol, lots = BY_NAME[position["symbol"]], LOTS * share
    for name, sign in (("sl", -1), ("tp", 1)):
        level, asked = D(str(position[name])), MONEY[f"{name}_{role}"] * share
        assert not level % D(str(symbol.tick)), f"{level} is on no tick of {symbol.tick}"
        found = at(pair, role, position, position[name])
        assert abs(found - sign * asked) <= near(symbol, lots, asked), (name, found, asked)


@pytest.mark.parametrize("name", SYMBOLS)
def test_a_versus_with_stops_in_money_runs_in_full(still: Pair, name: str) -> None:
    traded(still, name)
    versus = still.created(symbol_a=name, symbol_b=name, lots=LOTS, **MONEY)
    assert not [text for text in versus.acknowledged if "tick" in text], "it is proven"

    (note,) = preview.freeze(versus).notes
    assert re.match(rf"Account \d+: A tick of {name} is .* proven by", note)
    versus = desk.freeze(versus, still.user)
    assert versus.state == State.FROZEN, versus.reason
    legs = ledger(still, "a", versus)
    assert [(leg["side"], D(str(leg["volume"]))) for leg in legs] == [(BUY, LOTS), (SELL, LOTS)]
    for leg in legs:
        check_money(still, "a", leg, D(1))

    versus = desk.transfer(versus, still.user)
    assert versus.state == State.TRANSFERRED, versus.reason
    halves = ledger(still, "b", versus)
    assert [(leg["side"], D(str(leg["volume"]))) for leg in halves] == [(SELL, LOTS / 2)] * 2
    for leg in halves:
        check_money(still, "b", leg, D("0.5"))
    assert still.held("a", versus) == [("BUY", LOTS)]
    (kept,) = [one for one in broker(still, "a").positions.values() if one.comment in tags(versus)]
    for level, of_b in ((kept.tp, halves[0]["sl"]), (kept.sl, halves[0]["tp"])):
        assert not D(str(level)) % D(str(BY_NAME[name].tick))
        assert abs(level - of_b) < broker(still, "a").market.quotes[name].bid * 0.001

    proofs = [event.data["ticks"] for event in versus.events.filter(data__has_key="ticks")]
    assert [proof["basis"] for proof in proofs] == ["proven"] * 4
    assert {proof["tick_size"] for proof in proofs} == {f"{D(str(BY_NAME[name].tick)):f}"}
    shown = page_of(make_user(*RUN), f"/versus/{versus.code}/")
    assert "How money became stops" in shown
    assert re.search(r"proven by \d+ closed trades and \d+ prices", shown)

    assert desk.close_both(versus, still.user, "The end of the test.")
    still.settled(versus)
    versus = still.later(versus)
    assert versus.state == State.CLOSED, versus.reason
    assert still.held("a", versus) == still.held("b", versus) == []


def tags(versus: Versus) -> set[str]:
    return set(versus.orders.values_list("tag", flat=True))


@pytest.mark.parametrize("name", ["USDJPY", "US500"])
def test_a_stop_that_is_hit_books_the_money_that_was_asked(still: Pair, name: str) -> None:
    traded(still, name)
    versus = still.created(symbol_a=name, symbol_b=name, lots=LOTS, **MONEY)
    versus = desk.freeze(versus, still.user)
    before = broker(still, "a").balance_cents
    (sell,) = [leg for leg in ledger(still, "a", versus) if leg["side"] == SELL]
    quote = broker(still, "a").market.quotes[name]
    while quote.ask < sell["sl"]:
        move(still, name, 0.00005)
    quote.reach(broker(still, "a").market.now)
    booked = D(broker(still, "a").balance_cents - before) / 100
    fees = D(str(BY_NAME[name].lot_fee)) * LOTS  # those of the opening were booked before
    assert abs(booked - fees + MONEY["sl_a"]) < MONEY["sl_a"] * D("0.04")


@pytest.mark.both_databases
def test_without_a_trade_a_tick_that_prices_speak_against_is_not_assumed(still: Pair) -> None:
    """US500 with its point of 0.01: its stops would be 25 times too close."""
    prices = [5200.25, 5231.75, 5240.5, 5219.25]
    for price in prices:
        broker(still, "a").open(BY_NAME["US500"], BUY, 0.1, 0, price=price)
    still.read()
    still.accounts["a"].margin_mode = "hedging"
    still.accounts["a"].save(update_fields=["margin_mode"])
    with pytest.raises(desk.NotNow, match=r"prices seen of US500 are multiples of 0\.25"):
        still.created(symbol_a="US500", symbol_b="US500", lots=LOTS, **MONEY)
