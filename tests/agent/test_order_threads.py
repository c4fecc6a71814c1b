"""Orders and a terminal that blocks, callers that go away, and the moment before a send."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.orders.journal import Journal
from agent.simulated.terminal import SimulatedTerminal
from agent.terminal import ThreadedTerminal
from tests.agent.parts import one_agent, signing_client_of
from tests.agent.trading import TradingDesk

PATIENCE = 10.0


class Gate:
    """`order_send`, or another call, stops here until the test lets it go on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        real = getattr(SimulatedTerminal, name)

        def waiting(this: SimulatedTerminal, *arguments: Any) -> Any:
            self.reached.set()
            assert self.opened.wait(PATIENCE)
            return real(this, *arguments)

        monkeypatch.setattr(SimulatedTerminal, name, waiting)

    async def wait(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.reached.is_set():
            assert time.monotonic() < until
            await asyncio.sleep(0.001)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[TradingDesk]:
    """Its terminal is called in a thread, as the real one is."""
    desk = TradingDesk(tmp_path)
    threaded = ThreadedTerminal(lambda: desk.terminal, PATIENCE)
    assert desk.agent.journal is not None
    desk.agent.journal.close()
    desk.agent = one_agent(
        desk.clock, terminal=threaded, journal=desk.open_journal(), order_deadline=PATIENCE
    )
    desk.client = signing_client_of(desk.agent)
    yield desk
    threaded.close()


@pytest.fixture
async def sending(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[Gate, dict[str, Any], asyncio.Task[Any]]]:
    """An order that is in `order_send`, and stays there until the gate is opened."""
    gate, body = Gate(monkeypatch, "order_send"), desk.body()
    task = asyncio.create_task(desk.post(body))
    await gate.wait()
    yield gate, body, task
    gate.opened.set()
    await asyncio.gather(task, return_exceptions=True)


Sending = tuple[Gate, dict[str, Any], asyncio.Task[Any]]


async def settled(desk: TradingDesk, tag: str) -> dict[str, Any]:
    until = time.monotonic() + PATIENCE
    while (record := await desk.record(tag))["state"] != "ended":
        assert time.monotonic() < until
        await asyncio.sleep(0.001)
    return record


async def test_an_order_that_is_being_sent_is_executing_for_whoever_asks(
    desk: TradingDesk, sending: Sending
) -> None:
    gate, body, task = sending
    record = await desk.record(body["tag"])
    assert (record["state"], record["outcome"], record["sent"]) == ("executing", "unknown", True)
    again = await desk.post(body)
    assert again.status_code == 202
    assert again.json()["state"] == "executing"
    assert (await desk.post(body | {"volume": 0.2})).status_code == 409
    gate.opened.set()
    assert (await task).json()["outcome"] == "done"
    assert len(desk.sends()) == 1


async def test_an_order_whose_caller_goes_away_is_executed_and_journalled(
    desk: TradingDesk, sending: Sending
) -> None:
    gate, body, task = sending
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gate.opened.set()
    assert (await settled(desk, body["tag"]))["outcome"] == "done"
    assert len(desk.sends()) == 1


async def test_an_order_whose_caller_goes_away_while_it_waits_is_executed_too(
    desk: TradingDesk, sending: Sending
) -> None:
    gate, _, first = sending
    body = desk.body()
    task = asyncio.create_task(desk.post(body))
    while (await desk.record(body["tag"]))["state"] != "executing":
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gate.opened.set()
    await first
    assert (await settled(desk, body["tag"]))["outcome"] == "done"


async def test_one_order_at_a_time_goes_to_a_terminal(desk: TradingDesk, sending: Sending) -> None:
    gate, body, task = sending
    other = desk.body()
    waiting = asyncio.create_task(desk.post(other))
    while (await desk.record(other["tag"]))["state"] != "executing":
        await asyncio.sleep(0)
    assert desk.sends() == []
    gate.opened.set()
    assert [(await each).json()["outcome"] for each in (task, waiting)] == ["done", "done"]
    assert [send["tag"] for send in desk.sends()] == [body["tag"], other["tag"]]


async def test_an_order_that_takes_longer_than_its_deadline_is_still_executing(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert desk.agent.desk is not None
    desk.agent.desk.deadline = 0.05
    gate, body = Gate(monkeypatch, "order_send"), desk.body()
    response = await desk.post(body)
    assert (response.status_code, response.json()["state"]) == (202, "executing")
    gate.opened.set()
    assert (await settled(desk, body["tag"]))["outcome"] == "done"


async def test_an_order_given_up_before_it_was_sent_is_never_sent(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The terminal hangs while the account is read; when it goes on, it is too late."""
    assert desk.agent.desk is not None
    desk.agent.desk.deadline = 0.05
    gate, body = Gate(monkeypatch, "terminal_info"), desk.body()
    assert await desk.refused(body) == "terminal-timeout"
    gate.opened.set()
    desk.agent.desk.deadline = PATIENCE
    assert (await desk.placed())["outcome"] == "done"
    assert await desk.refused(body) == "terminal-timeout"
    assert [send["tag"] for send in desk.sends()] != [body["tag"]]
    assert len(desk.sends()) == 1


async def test_the_same_order_twice_at_once_is_sent_once(desk: TradingDesk) -> None:
    body = desk.body()
    answers = await asyncio.gather(*(desk.post(body) for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert (await settled(desk, body["tag"]))["outcome"] == "done"
    assert len(desk.sends()) == 1


@pytest.mark.parametrize("what", ["login", "time", "account"])
async def test_what_changed_while_the_journal_was_written_stops_the_order(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    real = Journal.begin

    def begin(this: Journal, *arguments: Any) -> None:
        real(this, *arguments)
        if what == "login":
            account = desk.terminal.world.account_for(777, desk.account.index)
            desk.terminal.account = account
        elif what == "time":
            desk.clock.turn(10)
        else:
            desk.terminal.connected = False

    monkeypatch.setattr(Journal, "begin", begin)
    body = desk.body()
    expected = {"login": "login-mismatch", "time": "order-expired", "account": "account-unreadable"}
    assert await desk.refused(body) == expected[what]
    record = await desk.record(body["tag"])
    assert (record["outcome"], record["sent"], record["state"]) == ("rejected", False, "ended")


async def test_at_the_end_an_order_that_left_gets_time_to_be_written_down(
    desk: TradingDesk, sending: Sending
) -> None:
    gate, body, task = sending
    waiting = asyncio.create_task(desk.post(desk.body()))
    await asyncio.sleep(0)
    assert desk.agent.desk is not None
    threading.Timer(0.05, gate.opened.set).start()
    desk.agent.desk.await_last(PATIENCE)
    assert desk.agent.journal is not None
    record = desk.agent.journal.record(body["tag"])
    assert record is not None
    assert record.result is not None
    await asyncio.gather(task, waiting)
