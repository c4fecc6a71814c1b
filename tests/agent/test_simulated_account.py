"""Accounts keep books: stops are executed, deals are written, and the balance is their sum."""

from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.constants import Constants
from agent.simulated.account import BUY, SELL, SimulatedAccount
from agent.simulated.people import FIRMS, LONG_NAME
from agent.simulated.symbols import BY_NAME, Symbol
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from tests.agent.parts import START, TurnedClock

FOREVER = 2**33
SWAPLESS = BY_NAME["EURUSD"]


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def terminal(clock: TurnedClock) -> SimulatedTerminal:
    """A flat account that nobody trades on."""
    world = World(1, 3, clock)
    world.market.on_second = None
    assert not world.accounts[2].positions
    return SimulatedTerminal(world, world.accounts[2])


def booked(terminal: SimulatedTerminal) -> int:
    deals = terminal.history_deals_get(0, FOREVER)
    assert deals is not None
    return round(sum(d.profit + d.swap + d.commission + d.fee for d in deals) * 100)


def distance(symbol: Symbol, account: SimulatedAccount) -> float:
    return 40 * account.market.quotes[symbol.name].step * symbol.reference


@settings(max_examples=10, deadline=None)
# Once, a position of the start was opened in the second of a past deal and shared its ticket.
@example(seed=2005, hours=0, start=593)
@given(seed=st.integers(0, 10**6), hours=st.integers(0, 5), start=st.integers(0, 4 * 365))
def test_the_balance_is_the_initial_one_plus_all_deals(seed: int, hours: int, start: int) -> None:
    clock = TurnedClock(START + start * 86_400)
    world = World(seed, 8, clock)
    clock.turn(hours * 3_600)
    world.advance()
    for account in world.accounts:
        terminal = SimulatedTerminal(world, account)
        assert booked(terminal) == account.balance_cents
        deals = terminal.history_deals_get(0, FOREVER)
        assert deals is not None
        assert deals[0].type == Constants.DEAL_TYPE_BALANCE
        assert deals[0].profit == account.initial_balance
        assert abs(account.balance_cents / account.initial_cents - 1) < 0.15
        assert len({deal.ticket for deal in deals}) == len(deals)
        assert [deal.time for deal in deals] == sorted(deal.time for deal in deals)


def test_the_past_is_the_same_when_the_process_starts_a_day_later() -> None:
    today, tomorrow = World(1, 10, TurnedClock()), World(1, 10, TurnedClock(START + 86_400))
    since, until = START - 5 * 86_400, START - 2 * 86_400
    for early, late in zip(today.accounts, tomorrow.accounts, strict=True):
        if late.past.first_day != early.past.first_day:
            continue  # its cycle of 121 days has begun anew
        assert list(early.past.deals(since, until)) == list(late.past.deals(since, until))


@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("reason", [Constants.DEAL_REASON_SL, Constants.DEAL_REASON_TP])
def test_a_level_that_is_reached_closes_the_position_and_books_the_result(
    terminal: SimulatedTerminal, clock: TurnedClock, side: int, reason: int
) -> None:
    account = terminal.account
    before = account.balance_cents
    quote = account.market.quotes["EURUSD"]
    entry = quote.ask if side == BUY else quote.bid
    room = distance(SWAPLESS, account)
    below, above = round(entry - room, 5), round(entry + room, 5)
    lower = (reason == Constants.DEAL_REASON_SL) == (side == BUY)
    level = below if lower else above
    sl, tp = (level, 0.0) if reason == Constants.DEAL_REASON_SL else (0.0, level)
    position = account.open(SWAPLESS, side, 1.0, START, sl=sl, tp=tp)
    for _ in range(5 * 24 * 60):
        if not account.positions:
            break
        clock.turn(60)
        terminal.world.advance()
    entered, closed = account.deals
    assert terminal.positions_get() == ()
    assert (closed.reason, closed.entry) == (reason, Constants.DEAL_ENTRY_OUT)
    assert (closed.position_id, closed.type) == (position.ticket, 1 - side)
    assert (closed.price <= below) if lower else (closed.price >= above)
    move = (closed.price - entry) * (1 if side == BUY else -1)
    assert closed.profit == pytest.approx(move * 100_000, abs=0.01)
    assert (closed.profit < 0) == (reason == Constants.DEAL_REASON_SL)
    booked_cents = round((closed.profit + closed.swap) * 100) - 700
    assert account.balance_cents - before == booked_cents
    assert entered.commission == closed.commission == -3.5


def test_floating_profit_moves_with_the_market(
    terminal: SimulatedTerminal, clock: TurnedClock
) -> None:
    terminal.account.open(BY_NAME["XAUUSD"], BUY, 0.5, START)
    seen = set()
    for _ in range(60):
        info, positions = terminal.account_info(), terminal.positions_get()
        assert info is not None
        assert positions is not None
        assert info.profit == pytest.approx(sum(p.profit + p.swap for p in positions))
        assert info.equity == pytest.approx(info.balance + info.profit)
        assert info.margin_free == pytest.approx(info.equity - info.margin)
        seen.add(info.profit)
        clock.turn(1)
    assert len(seen) > 20


def test_swap_is_charged_for_every_full_day(
    terminal: SimulatedTerminal, clock: TurnedClock
) -> None:
    position = terminal.account.open(SWAPLESS, BUY, 2.0, START)
    assert position.swap_at(START + 86_399) == 0
    assert position.swap_at(START + 2 * 86_400) == pytest.approx(2 * -7.1 * 2.0)


@pytest.mark.parametrize(("name", "expected"), [("USDJPY", 100_000 / 150), ("GER40", 1.08)])
def test_profit_in_another_currency_is_turned_into_dollars(
    terminal: SimulatedTerminal, name: str, expected: float
) -> None:
    symbol = BY_NAME[name]
    position = terminal.account.open(symbol, BUY, 1.0, START, price=100.0)
    dollars = terminal.account.market.dollars(symbol)
    assert position.profit_at(101.0, dollars) == pytest.approx(expected, rel=0.2)


def test_a_fleet_looks_like_a_desk() -> None:
    world = World(1, 500, TurnedClock())
    accounts = world.accounts
    assert len({account.login for account in accounts}) == 500
    assert {account.firm.name for account in accounts} == {firm.name for firm in FIRMS}
    assert accounts[4].holder == LONG_NAME
    assert any(not account.holder.isascii() for account in accounts[5:])
    counts = Counter(len(account.positions) for account in accounts)
    assert max(counts) <= 5
    assert 0.3 < counts[0] / 500 < 0.5
    shares = [account.balance_cents / account.initial_cents - 1 for account in accounts]
    assert min(shares) < -0.05
    assert max(shares) > 0.05
    assert {account.hedging for account in accounts} == {True, False}
    assert {account.initial_balance for account in accounts} <= {
        10_000, 25_000, 50_000, 100_000, 200_000,
    }  # fmt: skip


def test_a_netting_account_has_one_position_a_symbol() -> None:
    clock = TurnedClock()
    world = World(2, 60, clock)
    clock.turn(5 * 3_600)
    world.advance()
    for account in world.accounts:
        if not account.hedging:
            symbols = [position.symbol.name for position in account.positions.values()]
            assert len(set(symbols)) == len(symbols)


def test_the_demo_stays_alive(clock: TurnedClock) -> None:
    world = World(1, 69, clock)
    before = sum(len(account.deals) for account in world.accounts)
    for _ in range(4):
        clock.turn(3 * 3_600)
        world.advance()
    deals = [deal for account in world.accounts for deal in account.deals][before:]
    reasons = Counter(deal.reason for deal in deals if deal.entry == Constants.DEAL_ENTRY_OUT)
    assert min(reasons[reason] for reason in (0, 4, 5)) > 5
    open_now = sum(bool(account.positions) for account in world.accounts)
    assert 20 < open_now < 60


def test_failures_are_told_as_the_module_tells_them(terminal: SimulatedTerminal) -> None:
    assert terminal.symbol_info("NOPE") is None
    assert terminal.last_error()[0] == Constants.RES_E_NOT_FOUND
    terminal.connected = False
    assert terminal.initialize() is False
    for answer in (
        terminal.account_info(),
        terminal.positions_get(),
        terminal.symbol_info_tick("EURUSD"),
        terminal.history_deals_get(0, FOREVER),
    ):
        assert answer is None
    info = terminal.terminal_info()
    assert info is not None
    assert not info.connected
    assert terminal.last_error()[0] == Constants.RES_E_INTERNAL_FAIL_CONNECT
    terminal.connected = True
    assert terminal.account_info() is not None
    assert terminal.last_error()[0] == Constants.RES_S_OK
