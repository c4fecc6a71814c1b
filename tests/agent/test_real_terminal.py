"""The adapter of the real module, against a stand-in that has the module's surface.

The real module exists on Windows only: its functions are plain functions of a module, its records
are tuples with more fields than ours, and `initialize` takes the path as its first argument.
"""

import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from agent.agent import Agent
from agent.app import AgentApp
from agent.constants import Constants
from agent.errors import TerminalUnavailable
from agent.orders.journal import Journal
from agent.real_terminal import connector
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from agent.terminal import ThreadedTerminal
from tests.agent.parts import SECRET, MonitorSignature, TurnedClock

FUNCTIONS = (
    "shutdown", "last_error", "terminal_info", "account_info", "positions_get", "symbol_info",
    "symbol_info_tick", "symbol_select", "symbols_get", "copy_rates_range", "history_deals_get",
    "history_orders_get", "orders_get", "order_check", "order_send", "order_calc_margin",
    "order_calc_profit",
)  # fmt: skip


class FakeModule(types.ModuleType):
    """A module named MetaTrader5 whose functions act on a simulated account."""

    def __init__(self, clock: TurnedClock, *, starts: bool = True) -> None:
        super().__init__("MetaTrader5")
        world = World(3, 1, clock)
        self.simulated = SimulatedTerminal(world, world.accounts[0])
        self.started_with: list[tuple[Any, ...]] = []
        self.starts = starts
        for name in FUNCTIONS:
            setattr(self, name, getattr(self.simulated, name))

    def initialize(self, *arguments: Any, **how: Any) -> bool:
        self.started_with.append((*arguments, *how.items()))
        return self.starts


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


def test_the_module_is_imported_only_when_a_real_terminal_is_wanted() -> None:
    assert "MetaTrader5" not in sys.modules
    if sys.platform != "win32":
        with pytest.raises(ImportError):
            connector()


def test_the_module_is_found_by_its_name(
    clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = FakeModule(clock)
    monkeypatch.setitem(sys.modules, "MetaTrader5", module)
    terminal = connector()()
    assert terminal.account_info() == module.simulated.account_info()
    assert module.started_with == [()]


def test_the_path_of_the_terminal_is_given_at_every_start(clock: TurnedClock) -> None:
    module = FakeModule(clock)
    terminal = connector("C:\\mt5\\terminal64.exe", module=module)()
    assert terminal.initialize()
    assert module.started_with == [("C:\\mt5\\terminal64.exe",)] * 2


def test_a_portable_terminal_is_started_as_one_every_time(clock: TurnedClock) -> None:
    module = FakeModule(clock)
    terminal = connector("D:\\mt5\\terminal64.exe", portable=True, module=module)()
    assert terminal.initialize()
    assert module.started_with == [("D:\\mt5\\terminal64.exe", ("portable", True))] * 2


def test_a_terminal_that_does_not_start_is_unavailable(clock: TurnedClock) -> None:
    with pytest.raises(TerminalUnavailable, match="Success"):
        connector(module=FakeModule(clock, starts=False))()


async def test_the_agent_is_the_same_on_the_module_as_on_a_simulated_terminal(
    clock: TurnedClock,
) -> None:
    module = FakeModule(clock)
    terminal = ThreadedTerminal(connector(module=module))
    agent = Agent(name="real", terminal=terminal, secret=SECRET, clock=clock)
    transport = httpx.ASGITransport(AgentApp("both", agent))
    client = httpx.AsyncClient(transport=transport, base_url="http://agent")
    client.auth = MonitorSignature(SECRET)
    account = module.simulated.account
    state = (await client.get("/v2/state")).json()
    assert state["login"] == account.login
    # Neither was configured: the history tells the one, moving prices the other.
    assert state["days_operating"] == int(clock()) // 86_400 - account.past.first_day + 1
    assert state["broker_utc_offset_s"] is None
    clock.turn(2)
    assert (await client.get("/v2/state")).json()["broker_utc_offset_s"] == account.firm.offset
    assert (await client.post("/v2/refresh")).status_code == 200
    assert len(module.started_with) == 2
    assert (await client.get("/accounts")).json()["prop_firm"] == "N/A"
    terminal.close()


async def test_an_order_goes_through_the_module(clock: TurnedClock, tmp_path: Path) -> None:
    module = FakeModule(clock)
    terminal = ThreadedTerminal(connector(module=module))
    journal = Journal(tmp_path / "journal", 0)
    agent = Agent("real", terminal, SECRET, clock=clock, journal=journal)
    transport = httpx.ASGITransport(AgentApp("2", agent))
    client = httpx.AsyncClient(transport=transport, base_url="http://agent")
    client.auth = MonitorSignature(SECRET)
    account = module.simulated.account
    body = {
        "tag": "A", "magic": 9, "kind": "open", "symbol": "EURUSD", "side": "BUY", "volume": 0.1,
        "expected_login": account.login, "expected_server": account.firm.server, "sl": None,
        "tp": None, "position": None, "deviation": 20,
        "expires_at": datetime.fromtimestamp(clock() + 9, UTC).isoformat(),
    }  # fmt: skip
    answer = (await client.post("/v2/orders", json=body)).json()
    assert answer["outcome"] == "done"
    assert account.positions[answer["position"]].comment == "A"
    terminal.close()


def test_our_numbers_are_those_of_the_documentation() -> None:
    """As documented by MetaQuotes for the enumerations of the module."""
    assert Constants.DEAL_REASON_SL == 4
    assert Constants.DEAL_REASON_TP == 5
    assert Constants.DEAL_ENTRY_OUT_BY == 3
    assert Constants.DEAL_TYPE_BALANCE == 2
    assert Constants.ACCOUNT_MARGIN_MODE_RETAIL_HEDGING == 2
    assert Constants.SYMBOL_TRADE_MODE_FULL == 4
    assert Constants.RES_E_INTERNAL_FAIL_TIMEOUT == -10005
    assert (Constants.TRADE_ACTION_DEAL, Constants.TRADE_ACTION_SLTP) == (1, 6)
    assert (Constants.ORDER_FILLING_FOK, Constants.ORDER_FILLING_IOC) == (0, 1)
    assert (Constants.ORDER_FILLING_RETURN, Constants.SYMBOL_FILLING_IOC) == (2, 2)
    assert (Constants.ORDER_STATE_FILLED, Constants.ORDER_STATE_REJECTED) == (4, 5)
