"""A reading is whole or an error with a name."""

from typing import Any

import pytest

from agent.errors import (
    AccountUnreadable,
    DealsUnreadable,
    PositionsUnreadable,
    SymbolUnknown,
    TerminalError,
    TerminalUnavailable,
)
from agent.readings import (
    read_account,
    read_deals,
    read_first_day,
    read_positions,
    read_state,
    read_symbol,
    reconnect,
)
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from tests.agent.parts import (
    START,
    TurnedClock,
    one_agent,
    problem_of,
    signing_client_of,
    terminal_of,
)


class Altered:
    """A simulated terminal with some of its functions replaced."""

    def __init__(self, clock: TurnedClock | None = None, **functions: Any) -> None:
        world = World(3, 1, clock or TurnedClock())
        self._real = SimulatedTerminal(world, world.accounts[0])
        self.functions = functions

    def __getattr__(self, name: str) -> Any:
        return self.functions.get(name) or getattr(self._real, name)

    @property
    def real(self) -> SimulatedTerminal:
        return self._real


def test_a_state_holds_the_account_its_positions_and_their_contract_sizes() -> None:
    reading = read_state(Altered())
    assert reading.account.login
    assert reading.positions
    assert set(reading.contract_sizes) == {position.symbol for position in reading.positions}
    assert None not in reading.contract_sizes.values()


@pytest.mark.parametrize(
    ("functions", "error"),
    [
        ({"terminal_info": lambda: None}, TerminalUnavailable),
        ({"account_info": lambda: None}, AccountUnreadable),
        ({"positions_get": lambda: None}, PositionsUnreadable),
    ],
)
def test_a_part_that_cannot_be_read_makes_the_whole_an_error(
    functions: dict[str, Any], error: type[TerminalError]
) -> None:
    with pytest.raises(error, match="Success"):
        read_state(Altered(**functions))


def test_login_zero_is_no_account() -> None:
    terminal = Altered()
    empty = terminal.real.account_info()
    assert empty is not None
    with pytest.raises(AccountUnreadable):
        read_account(Altered(account_info=lambda: empty._replace(login=0)))


def test_no_open_position_is_an_empty_tuple() -> None:
    assert read_positions(Altered(positions_get=lambda: ())) == ()


def test_a_login_that_changes_during_the_reading_is_read_again() -> None:
    terminal = Altered()
    info = terminal.real.account_info()
    assert info is not None
    answers = [info._replace(login=1), info, info]
    terminal.functions["account_info"] = lambda: answers.pop(0)
    assert read_state(terminal).account.login == info.login
    assert not answers


def test_an_account_that_never_stands_still_is_an_error() -> None:
    terminal = Altered()
    info = terminal.real.account_info()
    assert info is not None
    logins = iter(range(1, 100))
    terminal.functions["account_info"] = lambda: info._replace(login=next(logins))
    with pytest.raises(TerminalError, match="three readings"):
        read_state(terminal)


def test_a_symbol_that_is_not_watched_is_selected_first() -> None:
    terminal = Altered()
    selected: list[str] = []

    def select(name: str, enable: bool) -> bool:
        selected.append(name)
        return True

    info = terminal.real.symbol_info("EURUSD")
    assert info is not None
    terminal.functions["symbol_info"] = lambda name: info._replace(visible=bool(selected))
    terminal.functions["symbol_select"] = select
    symbol, tick = read_symbol(terminal, "EURUSD")
    assert selected == ["EURUSD"]
    assert symbol.visible
    assert tick is not None


def test_an_unknown_symbol_has_an_error_of_its_own() -> None:
    with pytest.raises(SymbolUnknown):
        read_symbol(Altered(), "NOPE")


def test_a_history_that_cannot_be_read_is_not_an_empty_one() -> None:
    with pytest.raises(DealsUnreadable):
        read_deals(Altered(history_deals_get=lambda since, until: None), 0, START)


@pytest.mark.parametrize("code", [-2, -1, 0, -10004])
def test_an_empty_list_with_an_error_beside_it_is_a_failed_read(code: int) -> None:
    def failed(**functions: Any) -> Altered:
        return Altered(last_error=lambda: (code, "Invalid params"), **functions)

    with pytest.raises(DealsUnreadable, match="Invalid params"):
        read_deals(failed(history_deals_get=lambda since, until: ()), 0, START)
    with pytest.raises(PositionsUnreadable, match="Invalid params"):
        read_positions(failed(positions_get=lambda: ()))
    found = failed().real.history_deals_get(0, START)
    assert read_deals(failed(history_deals_get=lambda since, until: found), 0, START)[1]


async def test_an_unreadable_history_is_an_error_and_the_account_stays_readable() -> None:
    clock = TurnedClock()
    agent = one_agent(clock, seed=3, opened_on=None)
    terminal_of(agent).history_fails = True
    client = signing_client_of(agent)
    query = {"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z"}
    response = await client.get("/v2/deals", params=query)
    assert (response.status_code, problem_of(response)) == (503, "deals-unreadable")
    assert "Invalid params (-2)" in response.json()["detail"]
    state = await client.get("/v2/state")
    assert (state.status_code, state.json()["days_operating"]) == (200, None)
    terminal_of(agent).history_fails = False
    assert (await client.get("/v2/state")).json()["days_operating"]


def test_deals_of_a_login_that_changed_meanwhile_are_refused() -> None:
    terminal = Altered()
    info = terminal.real.account_info()
    assert info is not None
    answers = [info, info._replace(login=1)]
    terminal.functions["account_info"] = lambda: answers.pop(0)
    with pytest.raises(DealsUnreadable):
        read_deals(terminal, 0, START)


def test_the_first_day_is_that_of_the_deposit() -> None:
    terminal = Altered()
    first = terminal.real.opened_on
    assert read_first_day(terminal, START) == first
    empty = Altered(history_deals_get=lambda since, until: ())
    assert read_first_day(empty, START) is None


def test_a_terminal_that_does_not_start_is_unavailable() -> None:
    with pytest.raises(TerminalUnavailable):
        reconnect(Altered(initialize=lambda: False))
