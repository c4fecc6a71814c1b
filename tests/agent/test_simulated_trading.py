"""The simulated trade server: the module's functions, faults on request, and a ledger."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from agent.constants import Constants
from agent.simulated.ledger import Ledger
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.trade_faults import BY_CHANCE, TRADE_FAULTS, TradeFaults, fault_of
from agent.simulated.world import World
from tests.agent.parts import START, TurnedClock

FOREVER = 2**33


class Venue:
    """One world with flat accounts that nobody else trades, and its terminals."""

    def __init__(self, clock: TurnedClock, ledger: Ledger | None = None) -> None:
        self.clock = clock
        self.world = World(1, 3, clock, ledger)
        self.world.market.on_second = None
        self.terminals = [SimulatedTerminal(self.world, account) for account in self.world.accounts]
        self.terminal = self.terminals[2]
        self.account = self.terminal.account

    def request(self, **changes: Any) -> dict[str, Any]:
        tick = self.terminal.symbol_info_tick("EURUSD")
        assert tick is not None
        given = {
            "action": Constants.TRADE_ACTION_DEAL, "symbol": "EURUSD", "volume": 0.1, "type": 0,
            "price": tick.ask, "deviation": 20, "magic": 5, "comment": "TAG", "type_filling": 1,
        }  # fmt: skip
        return given | changes

    def send(self, **changes: Any) -> Any:
        return self.terminal.order_send(self.request(**changes))

    def fault(self, name: str | int, seconds: float | None = None) -> None:
        self.terminal.broker.faults.queued.append(fault_of(name, seconds))


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def venue(clock: TurnedClock) -> Venue:
    return Venue(clock)


def test_an_order_makes_a_position_a_deal_and_an_order(venue: Venue) -> None:
    result = venue.send(sl=1.0, tp=1.5)
    assert (result.retcode, result.volume, result.comment) == (10009, 0.1, "Request executed")
    assert result.request.comment == "TAG"
    (position,) = venue.terminal.positions_get() or ()
    assert (position.ticket, position.magic, position.comment) == (result.order, 5, "TAG")
    assert (position.sl, position.tp, position.price_open) == (1.0, 1.5, result.price)
    (order,) = venue.terminal.history_orders_get(0, FOREVER) or ()
    assert (order.ticket, order.state) == (result.order, Constants.ORDER_STATE_FILLED)
    (deal,) = [d for d in venue.terminal.history_deals_get(0, FOREVER) or () if d.magic == 5]
    assert (deal.ticket, deal.order, deal.position_id) == (
        result.deal,
        result.order,
        position.ticket,
    )
    assert venue.terminal.orders_get() == ()


def test_the_books_balance_after_orders(venue: Venue, clock: TurnedClock) -> None:
    ticket = venue.send(volume=0.3).order
    clock.turn(3_600)
    venue.terminal.account_info()
    venue.send(position=ticket, type=1, volume=0.1)
    clock.turn(30 * 3_600)
    venue.send(position=ticket, type=1, volume=0.2)
    deals = venue.terminal.history_deals_get(0, FOREVER) or ()
    booked = sum(d.profit + d.swap + d.commission + d.fee for d in deals)
    assert round(booked * 100) == venue.account.balance_cents
    assert venue.account.positions == {}
    assert len({deal.ticket for deal in deals}) == len(deals)


@pytest.mark.parametrize(
    ("changes", "retcode"),
    [
        ({"symbol": "NOPE"}, 10013),
        ({"action": 5}, 10013),
        ({"volume": 0.001}, 10014),
        ({"volume": 0.015}, 10014),
        ({"sl": 9.0}, 10016),
        ({"volume": 99.0}, 10019),
        ({"type_filling": 2}, 10030),
        ({"position": 99}, 10036),
        ({"action": 6, "position": 99}, 10036),
    ],
)
def test_check_and_send_refuse_the_same(
    venue: Venue, changes: dict[str, Any], retcode: int
) -> None:
    checked = venue.terminal.order_check(venue.request(**changes))
    assert checked is not None
    assert checked.retcode == venue.send(**changes).retcode == retcode
    assert venue.account.positions == {}


def test_closing_is_checked_against_the_position(venue: Venue) -> None:
    ticket = venue.send().order
    assert venue.send(position=ticket, type=0).retcode == 10013
    assert venue.send(position=ticket, type=1, symbol="GBPUSD").retcode == 10013
    assert venue.send(position=ticket, type=1, volume=0.2).retcode == 10038
    assert venue.send(action=6, position=ticket, sl=0.0, tp=0.0).retcode == 10025
    assert venue.send(position=ticket, type=1).retcode == 10009


def test_a_netting_account_adds_reduces_and_turns(venue: Venue) -> None:
    venue.account.hedging = False
    first = venue.send(volume=0.1)
    second = venue.send(volume=0.3)
    (position,) = venue.account.positions.values()
    assert (position.ticket, position.volume) == (first.order, 0.4)
    assert position.price == pytest.approx(first.price * 0.25 + second.price * 0.75, abs=1e-5)
    venue.send(type=1, volume=0.1)
    assert position.volume == 0.3
    venue.send(type=1, volume=0.5)
    (turned,) = venue.account.positions.values()
    assert (turned.side, turned.volume) == (1, 0.2)


def test_margin_and_profit_are_calculated_as_the_account_has_them(venue: Venue) -> None:
    result = venue.send(volume=1.0)
    info = venue.terminal.account_info()
    assert info is not None
    margin = venue.terminal.order_calc_margin(0, "EURUSD", 1.0, result.price)
    assert margin == info.margin
    profit = venue.terminal.order_calc_profit(0, "EURUSD", 1.0, 1.1, 1.101)
    assert profit == pytest.approx(100)
    assert venue.terminal.order_calc_profit(1, "EURUSD", 1.0, 1.1, 1.101) == pytest.approx(-100)
    assert venue.terminal.order_calc_margin(0, "NOPE", 1.0, 1.0) is None


def test_arguments_that_the_module_does_not_take_send_nothing(venue: Venue) -> None:
    assert venue.send(comment="x" * 32) is None
    assert venue.send(surprise=1) is None
    assert venue.terminal.last_error()[0] == Constants.RES_E_INVALID_PARAMS
    venue.terminal.connected = False
    assert venue.terminal.order_send({"comment": ""}) is None
    assert venue.world.venue.ledger.entries == []


def test_a_terminal_that_may_not_trade_says_so(venue: Venue) -> None:
    venue.terminal.read_only = True
    assert venue.send().retcode == 10017
    venue.terminal.trading_off = True
    assert venue.send().retcode == 10027


@pytest.mark.parametrize("name", sorted(TRADE_FAULTS))
def test_each_fault_does_what_it_says(venue: Venue, clock: TurnedClock, name: str) -> None:
    fault = TRADE_FAULTS[name]
    _, ask = venue.account.market.quotes["EURUSD"].bid, venue.account.market.quotes["EURUSD"].ask
    venue.fault(name)
    result = venue.send()
    assert (result and result.retcode) == fault.retcode
    assert bool(venue.account.positions) == (fault.executes and not fault.delay)
    clock.turn(5)
    venue.world.advance()
    assert bool(venue.account.positions) == fault.executes
    for position in venue.account.positions.values():
        assert position.volume == 0.1 * fault.share
        assert (position.comment == "TAG") == (not fault.altered)
        if not fault.delay:
            assert position.price == pytest.approx(ask + fault.slip * 1e-5)
    assert venue.send().retcode == 10009


def test_the_same_seed_gives_the_same_faults() -> None:
    def faults(seed: int) -> list[object]:
        source = TradeFaults(seed, 4, 0.5)
        return [source.next() for _ in range(50)]

    assert faults(1) == faults(1) != faults(2)
    names = Counter(fault.retcode for fault in faults(1) if hasattr(fault, "retcode"))
    assert len(names) > 3
    assert set(BY_CHANCE) <= set(TRADE_FAULTS)


def test_an_execution_that_comes_too_late_for_its_position_does_not_happen(
    venue: Venue, clock: TurnedClock
) -> None:
    ticket = venue.send().order
    venue.fault("late", 5)
    assert venue.send(position=ticket, type=1).retcode == 10012
    assert venue.send(position=ticket, type=1).retcode == 10009
    clock.turn(6)
    venue.world.advance()
    assert venue.account.positions == {}
    deals = [deal for deal in venue.account.deals if deal.position_id == ticket]
    assert len(deals) == 2


def test_the_ledger_tells_every_call_and_every_execution(venue: Venue, clock: TurnedClock) -> None:
    venue.send(comment="A")
    venue.fault("late", 5)
    venue.send(comment="B")
    venue.fault("never")
    venue.send(comment="C")
    clock.turn(6)
    venue.world.advance()
    entries = venue.world.venue.ledger.of_agent(3)
    sends = {e["number"]: e["tag"] for e in entries if e["kind"] == "send"}
    assert list(sends.values()) == ["A", "B", "C"]
    executed = [sends[e["send"]] for e in entries if e["kind"] == "execution"]
    assert executed == ["A", "B"]
    answers = {sends[e["send"]]: e["retcode"] for e in entries if e["kind"] == "answer"}
    assert answers == {"A": 10009, "B": 10012, "C": None}
    assert venue.world.venue.ledger.of_agent(1) == []


def test_people_leave_alone_what_was_ordered(clock: TurnedClock) -> None:
    world = World(1, 3, clock)
    terminal = SimulatedTerminal(world, world.accounts[0])
    request = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "type_filling": 1}
    result = terminal.order_send(request | {"magic": 5, "comment": "TAG"})
    assert result is not None
    clock.turn(6 * 3_600)
    world.advance()
    assert len(world.accounts[0].deals) > 5
    assert result.order in world.accounts[0].positions


def test_the_venue_comes_back_from_its_ledger(tmp_path: Path, clock: TurnedClock) -> None:
    path = tmp_path / "ledger"
    before = Venue(clock, Ledger(path))
    kept, closed = before.send(volume=0.3).order, before.send(comment="B").order
    before.send(position=kept, type=1, volume=0.1)
    before.send(position=closed, type=1)
    before.send(action=6, position=kept, sl=0.9, tp=0.0)
    before.terminal.account = before.world.account_for(777, 3)
    other = before.send(comment="D").order
    before.terminal.account = before.account
    before.fault("late", 50)
    before.send(comment="E")
    with path.open("a") as file:
        file.write('{"half a line')
    clock.turn(10)
    after = Venue(clock, Ledger(path))
    positions = after.account.positions
    ordered = {ticket: p for ticket, p in positions.items() if p.ordered}
    assert list(ordered) == [kept]
    position = ordered[kept]
    assert (position.volume, position.sl, position.magic) == (0.2, 0.9, 5)
    assert list(after.world.account_for(777, 3).positions) == [other]
    deals = after.terminal.history_deals_get(0, FOREVER) or ()
    booked = sum(d.profit + d.swap + d.commission + d.fee for d in deals)
    assert round(booked * 100) == after.account.balance_cents
    clock.turn(50)
    after.world.advance()
    assert "E" in {p.comment for p in positions.values()}
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["number"] for line in lines] == list(range(1, len(lines) + 1))


def test_a_venue_with_fewer_agents_than_its_ledger_starts_all_the_same(
    tmp_path: Path, clock: TurnedClock
) -> None:
    before = Venue(clock, Ledger(tmp_path / "ledger"))
    before.send()
    before.fault("late", 50)
    before.send()
    after = World(1, 2, clock, Ledger(tmp_path / "ledger"))
    clock.turn(60)
    after.advance()
    assert [deal for account in after.accounts for deal in account.deals if deal.magic == 5] == []


def test_a_stop_loss_of_an_ordered_position_is_on_the_ledger(
    venue: Venue, clock: TurnedClock
) -> None:
    quote = venue.account.market.quotes["EURUSD"]
    ticket = venue.send(sl=round(quote.bid - 0.0005, 5)).order
    while ticket in venue.account.positions:
        clock.turn(60)
        venue.world.advance()
        assert clock() < START + 5 * 86_400
    entry = venue.world.venue.ledger.of_agent(3)[-1]
    assert (entry["kind"], entry["send"]) == ("execution", None)
    assert entry["position"]["open"] is False
