"""One market: the same for the same seed, whatever it was asked before."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.simulated.market import Levels, Market
from agent.simulated.symbols import SYMBOLS
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from tests.agent.parts import START, TurnedClock


def prices(market: Market) -> dict[str, tuple[float, float]]:
    return {name: (quote.bid, quote.ask) for name, quote in market.quotes.items()}


def story(world: World) -> list[Any]:
    return [
        (
            account.login,
            account.holder,
            account.balance_cents,
            account.deals,
            sorted(account.positions),
        )
        for account in world.accounts
    ]


def test_the_same_seed_gives_the_same_world() -> None:
    one, other, another = (World(seed, 20, TurnedClock()) for seed in (7, 7, 8))
    assert story(one) == story(other) != story(another)
    assert prices(one.market) == prices(other.market) != prices(another.market)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0, 900), max_size=12))
def test_how_often_it_was_asked_changes_nothing(pauses: list[float]) -> None:
    often, once = TurnedClock(), TurnedClock()
    asked, left_alone = World(5, 12, often), World(5, 12, once)
    for pause in pauses:
        often.turn(pause)
        for account in asked.accounts[:3]:
            SimulatedTerminal(asked, account).positions_get()
        asked.advance()
    once.now = often.now
    left_alone.advance()
    assert story(asked) == story(left_alone)
    assert prices(asked.market) == prices(left_alone.market)


def test_prices_move_by_whole_ticks_with_the_ask_above_the_bid() -> None:
    market = Market(1, START)
    before = prices(market)
    for second in range(1, 600):
        market.advance(START + second)
        for symbol in SYMBOLS:
            quote = market.quotes[symbol.name]
            assert quote.ask > quote.bid > 0
            steps = quote.bid / symbol.tick
            assert steps == pytest.approx(round(steps), abs=1e-4)
    assert all(before[name] != now for name, now in prices(market).items())


def test_a_long_sleep_is_not_replayed_whole() -> None:
    market = Market(1, START)
    seconds: list[int] = []
    market.on_second = seconds.append
    market.advance(START + 30 * 86_400)
    assert market.now == START + 30 * 86_400
    assert len(seconds) == Market.LONGEST_CATCH_UP


def test_time_does_not_run_backwards() -> None:
    clock = TurnedClock()
    world = World(1, 1, clock)
    clock.turn(60)
    world.advance()
    before = prices(world.market)
    clock.turn(-30)
    world.advance()
    assert (world.market.now, prices(world.market)) == (START + 60, before)


class Watcher:
    def __init__(self) -> None:
        self.reached: list[float] = []
        self.stands = True

    def level_stands(self, level: float) -> bool:
        return self.stands

    def level_reached(self, level: float, at: int) -> None:
        self.reached.append(level)


@pytest.mark.parametrize(("rising", "short", "hit"), [(True, 9.9, 10.0), (False, 10.1, 10.0)])
def test_a_level_is_reached_once_and_only_from_its_side(
    rising: bool, short: float, hit: float
) -> None:
    levels, watcher = Levels(rising=rising), Watcher()
    levels.add(10.0, watcher)
    levels.reach(short, 1)
    assert watcher.reached == []
    levels.reach(hit, 2)
    levels.reach(hit, 3)
    assert watcher.reached == [10.0]


def test_levels_that_no_longer_stand_are_passed_over_and_forgotten() -> None:
    levels, gone, here = Levels(rising=True), Watcher(), Watcher()
    gone.stands = False
    rng = random.Random(1)
    for _ in range(10_000):
        levels.add(rng.uniform(20, 30), gone)
    levels.add(15.0, here)
    assert len(levels._heap) < 200
    levels.reach(50.0, 1)
    assert (gone.reached, here.reached) == ([], [15.0])
