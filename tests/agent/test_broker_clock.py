"""The broker's distance from UTC is learned only from prices that are known to be young."""

from datetime import UTC, datetime

import pytest

from agent.broker_clock import BrokerClock
from agent.errors import BrokerTimeUnknown
from tests.agent.parts import START, TurnedClock, one_agent, terminal_of

EURUSD = "EURUSD"
MOMENT = datetime.fromtimestamp(START, UTC)


def test_it_is_unknown_until_a_tick_has_moved_between_two_looks() -> None:
    clock = BrokerClock()
    clock.look(EURUSD, (START + 10_800) * 1000, START)
    assert clock.offset is None
    clock.look(EURUSD, (START + 10_805) * 1000, START + 5)
    assert clock.offset == 10_800


def test_the_last_tick_of_a_closed_market_teaches_nothing() -> None:
    clock = BrokerClock()
    for later in range(0, 7_200, 60):
        clock.look(EURUSD, (START + 10_800) * 1000, START + later)
    assert clock.offset is None


def test_two_looks_far_apart_teach_nothing() -> None:
    clock = BrokerClock()
    clock.look(EURUSD, (START + 10_800) * 1000, START)
    # The tick moved, but any time within the hour between: it may be an hour old.
    clock.look(EURUSD, (START + 10_860) * 1000, START + 3_600)
    assert clock.offset is None


def test_an_old_tick_of_another_symbol_is_not_taken_for_one_that_moved() -> None:
    clock = BrokerClock()
    broker = START + 10_800
    clock.look(EURUSD, (broker - 86_400) * 1000, START)
    # Bitcoin is looked at for the first time: newer than the euro, yet an hour old.
    clock.look("BTCUSD", (broker - 3_600) * 1000, START + 1)
    clock.look(EURUSD, (broker - 86_400) * 1000, START + 2)
    assert clock.offset is None


@pytest.mark.parametrize("offset", [-12 * 3_600, -3 * 3_600, 0, 7_200, 19_800, 14 * 3_600])
def test_a_machine_whose_clock_is_seconds_off_learns_whole_half_hours(offset: int) -> None:
    clock = BrokerClock()
    clock.look(EURUSD, (START + offset) * 1000, START + 7)
    clock.look(EURUSD, (START + offset + 1) * 1000, START + 8)
    assert clock.offset == offset


def test_a_distance_that_no_zone_has_is_not_believed() -> None:
    clock = BrokerClock()
    clock.look(EURUSD, (START + 15 * 3_600) * 1000, START)
    clock.look(EURUSD, (START + 15 * 3_600 + 1) * 1000, START + 1)
    assert clock.offset is None


def test_a_given_distance_is_kept() -> None:
    clock = BrokerClock(3_600)
    clock.look(EURUSD, (START + 10_800) * 1000, START)
    clock.look(EURUSD, (START + 10_805) * 1000, START + 5)
    clock.forget()
    assert clock.offset == 3_600


def test_summer_time_is_noticed() -> None:
    clock = BrokerClock()
    for offset in (7_200, 10_800):
        clock.look(EURUSD, (START + offset) * 1000, START)
        clock.look(EURUSD, (START + offset + 1) * 1000, START + 1)
        assert clock.offset == offset


def test_times_are_converted_both_ways() -> None:
    clock = BrokerClock(10_800)
    assert clock.utc((START + 10_800) * 1000) == MOMENT
    assert clock.broker_seconds(MOMENT) == START + 10_800


def test_without_a_distance_there_is_no_time() -> None:
    clock = BrokerClock()
    assert clock.utc(START * 1000) is None
    assert BrokerClock(0).utc(0) is None
    with pytest.raises(BrokerTimeUnknown):
        clock.broker_seconds(MOMENT)


async def test_an_agent_on_another_login_learns_anew() -> None:
    turned = TurnedClock()
    agent = one_agent(turned, broker_clock=BrokerClock())
    for _ in range(2):
        await agent.state()
        turned.turn(2)
    assert agent.broker_clock.offset == terminal_of(agent).account.firm.offset
    terminal_of(agent).account.login += 1
    await agent.state()
    assert agent.broker_clock.offset is None
