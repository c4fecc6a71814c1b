"""The broker's distance from UTC is learned only from prices that are known to be young."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agent.agent import Agent
from agent.broker_clock import BrokerClock
from agent.errors import BrokerTimeUnknown, TerminalTimeout
from agent.records import SymbolInfo, Tick, TradeDeal
from agent.terminal import DirectTerminal
from agent.zones import HOUR, RuledZone, Summer, Zone, american, european, named
from tests.agent.parts import START, TurnedClock, one_agent, signing_client_of, terminal_of
from tests.agent.test_readings import Altered
from tests.agent.test_weeks import bars

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


# --- at other times of the year -----------------------------------------------------------------
NOVEMBER = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
# What the clock said: 15 July 02:30, which is 14 July 23:30 UTC where July is at +3.
JULY_MSC = int(datetime(2026, 7, 15, 2, 30, tzinfo=UTC).timestamp()) * 1000


def learned(now: float = NOVEMBER, offset: int = 2 * HOUR) -> BrokerClock:
    clock = BrokerClock()
    for later in (0, 1):
        clock.look(EURUSD, int(now + offset + later) * 1000, now + later)
    assert clock.offset == offset
    return clock


def test_a_deal_of_the_other_season_is_uncertain_until_it_is_proven() -> None:
    clock = learned()
    assert clock.utc(JULY_MSC) == datetime(2026, 7, 14, 23, 30, tzinfo=UTC), "the likeliest"
    assert not clock.is_certain(JULY_MSC)
    clock.prove([(datetime(2026, 7, 12, 21, tzinfo=UTC).timestamp(), 3 * HOUR)])
    assert clock.utc(JULY_MSC) == datetime(2026, 7, 14, 23, 30, tzinfo=UTC)
    assert clock.is_certain(JULY_MSC)


def test_a_clock_that_is_never_changed_is_proven_the_same_way() -> None:
    clock = learned()
    clock.prove([(datetime(2026, 7, 12, 21, tzinfo=UTC).timestamp(), 2 * HOUR)])
    assert clock.utc(JULY_MSC) == datetime(2026, 7, 15, 0, 30, tzinfo=UTC)
    assert clock.is_certain(JULY_MSC)


def test_since_the_clocks_were_last_changed_anywhere_the_distance_is_certain() -> None:
    clock = learned()
    for day, certain in ((2, True), (28, True), (26, False)):
        month = 10 if day == 26 else 11
        moment = datetime(2026, month, day, 12, tzinfo=UTC)
        assert clock.is_certain(int(moment.timestamp()) * 1000) is certain, moment


@pytest.mark.parametrize(("rule", "offset"), [(european, 2 * HOUR), (american, 3 * HOUR)])
def test_the_weeks_between_two_rules_are_certain_once_one_of_them_is_proven(
    rule: Summer, offset: int
) -> None:
    """In late March New York has summer time and Athens has not."""
    clock, zone = learned(), RuledZone(2 * HOUR, rule)
    march = datetime(2026, 3, 18, 12, tzinfo=UTC)
    msc = int(march.timestamp() + offset) * 1000
    weeks = [datetime(2026, 7, 12, 21, tzinfo=UTC), datetime(2025, 3, 16, 21, tzinfo=UTC)]
    clock.prove((week.timestamp(), zone.offset(week.timestamp())) for week in weeks[:1])
    assert not clock.is_certain(msc)
    clock.prove((week.timestamp(), zone.offset(week.timestamp())) for week in weeks)
    assert clock.is_certain(msc)
    assert clock.utc(msc) == march


def test_without_one_rule_the_offset_is_known_between_two_proofs_that_agree() -> None:
    """It moved its server from London to Athens in May."""
    clock = learned()
    week = 7 * 24 * HOUR
    april = datetime(2026, 4, 12, 21, tzinfo=UTC).timestamp()
    july = datetime(2026, 7, 12, 21, tzinfo=UTC).timestamp()
    clock.prove([(april, HOUR), (april + week, HOUR), (july, 3 * HOUR), (july + week, 3 * HOUR)])
    for at, offset, certain in (
        (april + 3 * 86_400, HOUR, True),
        (july + 3 * 86_400, 3 * HOUR, True),
        (april + 5 * week, HOUR, False),
        (july + 10 * week, 3 * HOUR, False),
        (NOVEMBER + 3_600, 2 * HOUR, True),
    ):
        msc = int(at + offset) * 1000
        assert (clock.utc(msc), clock.is_certain(msc)) == (
            datetime.fromtimestamp(at, UTC),
            certain,
        )


@pytest.mark.parametrize(
    ("given", "utc", "now"),
    [
        (3 * HOUR, "2026-07-14T23:30", 3 * HOUR),
        (2 * HOUR, "2026-07-15T00:30", 2 * HOUR),
        (named("Europe/Athens"), "2026-07-14T23:30", 2 * HOUR),
        (named("EET"), "2026-07-14T23:30", 2 * HOUR),
        (named("new-york-close"), "2026-07-14T23:30", 2 * HOUR),
    ],
)
def test_what_is_given_always_wins(given: int | Zone, utc: str, now: int) -> None:
    clock = BrokerClock(given)
    clock.turn(NOVEMBER)
    clock.look(EURUSD, int(NOVEMBER) * 1000, NOVEMBER)
    clock.look(EURUSD, int(NOVEMBER + 1) * 1000, NOVEMBER + 1)
    clock.prove([(NOVEMBER, 0)])
    clock.forget()
    assert clock.offset == now
    assert clock.utc(JULY_MSC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)
    assert clock.is_certain(JULY_MSC)


# --- which symbols teach it ---------------------------------------------------------------------
def watching(*symbols: SymbolInfo, **functions: Any) -> tuple[TurnedClock, Agent, Altered]:
    """An agent on a flat account that is offered these symbols alone."""
    turned = TurnedClock()
    known = {symbol.name: symbol for symbol in symbols}
    terminal = Altered(turned, **functions)
    for name, function in {
        "positions_get": lambda: (),
        "symbols_get": lambda: tuple(known.values()),
        "symbol_info": known.get,
        "symbol_info_tick": lambda name: _tick(turned) if known[name].visible else None,
    }.items():
        terminal.functions.setdefault(name, function)
    agent = one_agent(turned, broker_clock=BrokerClock(), terminal=DirectTerminal(terminal))  # type: ignore[arg-type]
    return turned, agent, terminal


def _tick(turned: TurnedClock) -> Tick:
    now = int(turned.now) - 3 * HOUR
    return Tick(now, 1.0, 1.0, 0.0, 0, now * 1000, 6, 0.0)


def symbol(name: str, **changes: Any) -> SymbolInfo:
    info = Altered().symbol_info("US30")
    assert info is not None
    return info._replace(**{"name": name, "time": START, **changes})  # type: ignore[no-any-return]


async def test_it_is_learned_where_there_is_no_euro() -> None:
    turned, agent, _ = watching(symbol("WINV26"))
    for _ in range(2):
        await agent.state()
        turned.turn(2)
    assert agent.broker_clock.offset == -3 * HOUR


async def test_a_symbol_is_selected_where_none_is_watched() -> None:
    selected: list[str] = []
    known = [symbol("WINV26", visible=False), symbol("WDOF27", visible=False, trade_mode=0)]

    def select(name: str, enable: bool) -> bool:
        selected.append(name)
        known[0] = known[0]._replace(visible=True)
        return True

    turned, agent, terminal = watching(
        symbol_select=select,
        symbols_get=lambda: tuple(known),
        symbol_info_tick=lambda name: _tick(turned) if known[0].visible else None,
    )
    for _ in range(2):
        await agent.state()
        turned.turn(2)
    assert selected == ["WINV26"]
    assert agent.broker_clock.offset == -3 * HOUR


async def test_a_terminal_that_names_no_symbol_says_which_option_helps() -> None:
    turned, agent, _ = watching()
    client = signing_client_of(agent)
    query = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    response = await client.get("/v2/deals", params=query)
    assert response.status_code == 503
    assert "--broker-utc-offset or --broker-time-zone" in response.json()["title"]


async def test_bars_that_cannot_be_read_leave_the_time_uncertain() -> None:
    def hang(*_: Any) -> None:
        raise TerminalTimeout("the terminal gave no answer in 8 s")

    deal = _deal(JULY_MSC)
    turned = TurnedClock(NOVEMBER)
    terminal = Altered(turned, history_deals_get=lambda *_: (deal,), copy_rates_range=hang)
    agent = one_agent(turned, broker_clock=learned(), terminal=DirectTerminal(terminal))  # type: ignore[arg-type]
    query = {"from": "2026-07-14T00:00:00Z", "to": "2026-07-16T00:00:00Z"}
    [told] = (await signing_client_of(agent).get("/v2/deals", params=query)).json()["deals"]
    assert told["time_uncertain"] is True


async def test_deals_of_the_other_season_are_told_by_what_the_bars_prove() -> None:
    """A server at +3 in July, read in November at +2."""
    deal = _deal(JULY_MSC)
    athens = RuledZone(2 * HOUR, european)
    hours = [{"time": at} for at in bars(athens)]
    for rates, certain in ((None, False), (hours, True)):
        turned = TurnedClock(NOVEMBER)
        clock = learned()
        terminal = Altered(
            turned,
            history_deals_get=lambda since, until: (deal,) * (since <= deal.time <= until),
            copy_rates_range=lambda *_, rates=rates: rates,
        )
        agent = one_agent(turned, broker_clock=clock, terminal=DirectTerminal(terminal))  # type: ignore[arg-type]
        client = signing_client_of(agent)
        query = {"from": "2026-07-14T23:30:00Z", "to": "2026-07-15T00:00:00Z"}
        [told] = (await client.get("/v2/deals", params=query)).json()["deals"]
        assert told["time"] == "2026-07-14T23:30:00.000Z"
        assert (told["time_uncertain"], told["broker_time_msc"]) == (not certain, JULY_MSC)
        query = {"from": "2026-07-15T00:00:00Z", "to": "2026-07-15T02:00:00Z"}
        again = (await client.get("/v2/deals", params=query)).json()["deals"]
        assert len(again) == (0 if certain else 1), "no period misses it"


def _deal(msc: int) -> TradeDeal:
    return TradeDeal(
        ticket=1, order=1, time=msc // 1000, time_msc=msc, type=0, entry=0, magic=0, position_id=7,
        reason=0, volume=1.0, price=1.1, commission=-3.5, swap=0.0, profit=0.0, fee=0.0,
        symbol="EURUSD", comment="", external_id="",
    )  # fmt: skip
