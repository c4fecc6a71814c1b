"""A terminal that blocks never blocks the event loop, nor waits for ever."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, cast

import httpx
import pytest

from agent.app import AgentApp
from agent.errors import TerminalTimeout
from agent.records import MetaTrader5
from agent.simulated.terminal import SimulatedTerminal
from agent.terminal import DirectTerminal, ThreadedTerminal
from tests.agent.parts import SECRET, MonitorSignature, TurnedClock, one_agent, terminal_of

PATIENCE = 10.0


class Gate:
    """A terminal whose next call waits until the test opens the gate."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.threads: set[int] = set()

    def wait(self, mt5: MetaTrader5) -> str:
        self.entered.set()
        assert self.opened.wait(PATIENCE)
        return "late"

    def note(self, mt5: MetaTrader5) -> str:
        self.threads.add(threading.get_ident())
        return "done"


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.opened.set()


@pytest.fixture
def make() -> Iterator[Callable[..., ThreadedTerminal]]:
    made: list[ThreadedTerminal] = []

    def build(deadline: float = PATIENCE, connect: Any = None) -> ThreadedTerminal:
        terminal = ThreadedTerminal(connect or (lambda: cast(MetaTrader5, object())), deadline)
        made.append(terminal)
        return terminal

    yield build
    for terminal in made:
        terminal.close()


async def entered(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.entered.wait, PATIENCE)


async def test_a_direct_terminal_runs_the_job_on_the_spot() -> None:
    module = cast(MetaTrader5, object())
    assert await DirectTerminal(module).run(lambda mt5: mt5 is module)


async def test_all_jobs_run_on_one_thread_that_is_not_the_loop(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    terminal = make()
    answers = await asyncio.gather(*(terminal.run(gate.note) for _ in range(20)))
    assert set(answers) == {"done"}
    assert len(gate.threads) == 1
    assert threading.get_ident() not in gate.threads


async def test_the_module_is_connected_once_and_in_its_thread(
    make: Callable[..., ThreadedTerminal],
) -> None:
    threads: list[int] = []

    def connect() -> MetaTrader5:
        threads.append(threading.get_ident())
        return cast(MetaTrader5, object())

    terminal = make(connect=connect)
    first = await terminal.run(lambda mt5: mt5)
    assert await terminal.run(lambda mt5: mt5) is first
    assert len(threads) == 1
    assert threads[0] != threading.get_ident()


async def test_a_connection_that_fails_is_tried_again_by_the_next_job(
    make: Callable[..., ThreadedTerminal],
) -> None:
    attempts: list[int] = []

    def connect() -> MetaTrader5:
        attempts.append(1)
        if len(attempts) == 1:
            raise ConnectionError("not yet")
        return cast(MetaTrader5, object())

    terminal = make(connect=connect)
    with pytest.raises(ConnectionError):
        await terminal.run(lambda mt5: mt5)
    assert await terminal.run(lambda mt5: mt5) is not None


async def test_what_a_job_raises_reaches_its_caller_and_no_other(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    terminal = make()
    failed, fine = await asyncio.gather(
        terminal.run(lambda mt5: 1 // 0), terminal.run(gate.note), return_exceptions=True
    )
    assert isinstance(failed, ZeroDivisionError)
    assert fine == "done"


async def test_the_loop_runs_on_while_the_terminal_blocks(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    waiting = asyncio.create_task(make().run(gate.wait))
    await entered(gate)
    for _ in range(1_000):
        await asyncio.sleep(0)
    assert not waiting.done()
    gate.opened.set()
    assert await waiting == "late"


async def test_a_hanging_terminal_is_given_up_at_the_deadline_and_then_at_once(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    terminal = make(deadline=0.05)
    with pytest.raises(TerminalTimeout, match="no answer in"):
        await terminal.run(gate.wait)
    await entered(gate)
    # A busy machine may have begun the first job late: until it is overdue, others wait in turn.
    refusals: list[str] = []
    until = time.monotonic() + PATIENCE
    while "has not returned" not in "".join(refusals) and time.monotonic() < until:
        with pytest.raises(TerminalTimeout) as refusal:
            await terminal.run(gate.note)
        refusals.append(str(refusal.value))
    assert "has not returned" in refusals[-1]
    assert not gate.threads


async def test_a_terminal_that_comes_back_serves_again(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    terminal = make(deadline=0.05)
    with pytest.raises(TerminalTimeout):
        await terminal.run(gate.wait)
    gate.opened.set()
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            assert await terminal.run(gate.note) == "done"
        except TerminalTimeout:
            continue
        return
    pytest.fail("the terminal never came back")


async def test_a_job_given_up_while_it_waited_is_not_executed(
    make: Callable[..., ThreadedTerminal], gate: Gate
) -> None:
    terminal = make()
    first = asyncio.create_task(terminal.run(gate.wait))
    await entered(gate)
    second = asyncio.create_task(terminal.run(gate.note))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    gate.opened.set()
    assert await first == "late"
    assert await terminal.run(lambda mt5: "after") == "after"
    assert not gate.threads


async def test_an_agent_answers_pings_while_its_terminal_hangs_and_504_for_the_state(
    make: Callable[..., ThreadedTerminal], gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulated = one_agent(TurnedClock())
    module = terminal_of(simulated)
    real = SimulatedTerminal.terminal_info

    def hanging(self: SimulatedTerminal) -> Any:
        gate.wait(self)
        return real(self)

    monkeypatch.setattr(SimulatedTerminal, "terminal_info", hanging)
    agent = one_agent(TurnedClock(), terminal=make(deadline=0.2, connect=lambda: module))
    transport = httpx.ASGITransport(AgentApp("both", agent))
    client = httpx.AsyncClient(transport=transport, base_url="http://agent")
    state = asyncio.create_task(client.get("/v2/state", auth=MonitorSignature(SECRET)))
    await entered(gate)
    ping = await client.get("/v2/ping")
    assert not state.done()
    assert ping.status_code == 200
    answer = await state
    assert answer.status_code == 504
    assert answer.json()["type"] == "terminal-timeout"
    assert (await client.get("/trade-history")).status_code == 500
