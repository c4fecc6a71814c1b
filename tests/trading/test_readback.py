"""What the very next request after a trade is answered: the trade is there."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from msgspec import structs

from accounts.models import Account, Agent, Position
from accounts.polling import poller
from accounts.polling.poll_result import Outcome, Result
from accounts.polling.recorder import Recorder
from mt5monitor import loop
from tests.api.program import Program, told
from tests.trading.browser import Browser
from tests.trading.desk import Desk
from trading import closing, readback
from trading.models import Order
from trading.outcomes import SENDER_READS
from trading.states import State

pytestmark = pytest.mark.django_db
OPEN: dict[str, Any] = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}


@pytest.fixture
def program(desk: Desk) -> Program:
    for contract in ("1", "2"):
        list(poller.refresh([desk.agent(contract)]))
    return Program(desk.trader)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The agents that are read, by name; not what a trade itself looks at."""
    names: list[str] = []
    read: Callable[..., Any] = poller.read

    async def counted(endpoint: Any) -> Result:
        names.append(endpoint.name)
        result: Result = await read(endpoint)
        return result

    monkeypatch.setattr(poller, "read", counted)
    return names


def path(desk: Desk, contract: str, rest: str = "") -> str:
    return f"accounts/{desk.accounts[contract].number}{rest}"


def held(program: Program, desk: Desk, contract: str = "2", rest: str = "") -> dict[int, Any]:
    """Its positions as the API tells them, by ticket; the account has some from the start."""
    positions = program.get(path(desk, contract, f"/positions{rest}"))["positions"]
    return {one["ticket"]: one for one in positions}


@pytest.mark.parametrize("contract", ["1", "2"])
def test_the_next_request_shows_what_was_opened_moved_and_closed(
    desk: Desk, program: Program, contract: str
) -> None:
    before, own = program.get(path(desk, contract)), held(program, desk, contract)
    opened = told(program.post(path(desk, contract, "/trade/open"), OPEN), 200)
    ticket = opened["ticket"]
    shown = held(program, desk, contract)
    assert shown.keys() == {*own, ticket}
    assert (shown[ticket]["volume"], shown[ticket]["open_price"]) == (0.1, opened["price"])
    account = program.get(path(desk, contract))
    assert (account["has_open_position"], account["open_positions"]) == (True, len(own) + 1)
    stop = round(opened["price"] - 0.01, 5)
    told(program.put(path(desk, contract, "/trade/modify"), {"ticket": ticket, "sl": stop}), 200)
    moved = held(program, desk, contract)[ticket]
    assert (moved["sl"], moved["tp"]) == (stop, None)
    told(program.post(path(desk, contract, "/trade/close"), {"ticket": ticket}), 200)
    assert held(program, desk, contract).keys() == own.keys()
    account = program.get(path(desk, contract))
    assert account["open_positions"] == len(own)
    assert account["balance"] != before["balance"]


def test_a_part_that_was_closed_is_gone_from_the_next_answer(desk: Desk, program: Program) -> None:
    ticket = told(program.post(path(desk, "2", "/trade/open"), OPEN), 200)["ticket"]
    part = {"ticket": ticket, "volume": 0.04}
    told(program.post(path(desk, "2", "/trade/close"), part), 200)
    assert held(program, desk)[ticket]["volume"] == 0.06


def test_a_trade_reads_its_own_agent_once_and_no_other(
    desk: Desk, program: Program, reads: list[str]
) -> None:
    others = Agent.objects.exclude(pk=desk.agent().pk).values()
    before = list(others)
    key = {"Idempotency-Key": "once"}
    for _ in range(3):
        told(program.post(path(desk, "2", "/trade/open"), OPEN, **key), 200)
    assert reads == [desk.agent().name]
    assert list(others) == before


def test_what_was_refused_reads_nothing(desk: Desk, program: Program, reads: list[str]) -> None:
    desk.venue.steer("2", next_order="no-money")
    told(program.post(path(desk, "2", "/trade/open"), OPEN), 400)
    assert reads == []


def test_closing_all_reads_the_account_once_at_the_end(desk: Desk, reads: list[str]) -> None:
    tickets = [desk.send().position_ticket for _ in range(3)]
    list(poller.refresh([desk.agent()]))
    account = Account.objects.select_related("agent").get(pk=desk.accounts["2"].pk)
    asked = [ticket for ticket in tickets if ticket]
    closed = closing.close_account(account, desk.trader, asked, "k")
    assert closed.summary == "3 closed"
    assert not Position.objects.filter(account=account, ticket__in=asked).exists()
    assert len(reads) == 1
    closing.close_account(account, desk.trader, asked, "k")
    assert len(reads) == 1


def test_a_page_shows_a_trade_as_soon_as_it_has_told_the_outcome(
    browser: Browser, reads: list[str]
) -> None:
    before = Position.objects.count()
    browser.open()
    assert Position.objects.count() == before + 1
    assert reads == [browser.desk.agent().name]


@pytest.mark.both_databases
def test_a_reading_that_began_before_a_trade_does_not_restore_the_old_state(
    desk: Desk, program: Program
) -> None:
    world = desk.venue.member("2").terminal.world
    now = world.clock()
    world.clock = lambda: now  # its prices stand still, so nothing has changed
    list(poller.refresh([desk.agent()]))
    endpoint = Agent.objects.get(pk=desk.agent().pk).endpoint()
    unchanged = loop.run(poller.read(endpoint))
    whole = loop.run(poller.read(structs.replace(endpoint, etag=None)))
    assert (unchanged.is_unchanged, whole.is_unchanged) == (True, False)
    ticket = told(program.post(path(desk, "2", "/trade/open"), OPEN), 200)["ticket"]
    for before in (unchanged, whole):
        recorder = Recorder(touch_every_s=0)
        recorder.record([replace(before, finished_at=timezone.now())])
        recorder.close()
    assert ticket in held(program, desk)


def test_a_terminal_that_lists_the_trade_a_moment_later_is_read_again(
    desk: Desk, program: Program, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    read_again, asked = poller.read_again, []

    def late(agent: Agent, wait_s: float) -> Outcome | None:
        asked.append(agent.pk)
        if len(asked) == 1:  # as if nothing had happened yet
            return Outcome(agent.pk, agent.name, True, "", "", 0.0, False)
        return read_again(agent, wait_s)

    monkeypatch.setattr("accounts.polling.read_again", late)
    ticket = told(program.post(path(desk, "2", "/trade/open"), OPEN), 200)["ticket"]
    assert ticket in held(program, desk)
    assert len(asked) == 2
    assert len(reads) == 1


@pytest.mark.parametrize("trouble", ["hangs", "fails"])
def test_an_agent_that_cannot_be_read_then_holds_back_no_outcome(
    desk: Desk, program: Program, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def read(endpoint: Any) -> Result:
        if trouble == "hangs":
            await asyncio.sleep(3600)
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(poller, "read", read)
    monkeypatch.setattr(readback, "WAIT_S", 0.05)
    opened = told(program.post(path(desk, "2", "/trade/open"), OPEN), 200)
    assert opened["success"] is True
    agent = Agent.objects.get(pk=desk.agent().pk)
    assert agent.next_poll_at <= timezone.now() + SENDER_READS
    assert (agent.status, agent.failures) == ("online", 0)


@pytest.mark.parametrize(
    ("order", "rows", "shown"),
    [
        ({"position_ticket": 1}, [], False),
        ({"position_ticket": 1}, [{"ticket": 1}], True),
        ({"order_ticket": 1}, [{"ticket": 2}], False),
        ({}, [], True),
        ({"kind": "close", "position": 1}, [{"ticket": 1}], False),
        ({"kind": "close", "position": 1}, [{"ticket": 2}], True),
        ({"kind": "close", "position": 1, "volume": Decimal("0.1")}, [{"ticket": 1}], True),
        ({"kind": "close", "position": 1, "state": State.PARTIAL}, [{"ticket": 1}], True),
        ({"kind": "modify", "position": 1, "sl": Decimal("1.1")}, [{"ticket": 1}], False),
        ({"kind": "modify", "position": 1, "sl": Decimal("1.1")}, [], True),
        (
            {"kind": "modify", "position": 1, "sl": Decimal("1.1")},
            [{"ticket": 1, "sl": Decimal("1.10000")}],
            True,
        ),
    ],
)
def test_whether_the_positions_show_an_order(
    order: dict[str, Any], rows: list[dict[str, Any]], shown: bool
) -> None:
    row = Order(**{"kind": "open", "state": State.FILLED, **order})
    assert readback.is_shown(row, [Position(**one) for one in rows]) is shown


def test_the_positions_of_an_account_are_read_anew_on_demand(
    desk: Desk, program: Program, reads: list[str]
) -> None:
    ticket = desk.send().position_ticket
    assert ticket not in held(program, desk)
    assert ticket in held(program, desk, rest="?force_refresh=true")
    assert reads == []  # it is a refresh as any other
