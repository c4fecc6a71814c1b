"""A bad line between the monitor and its agents: each order ends as the venue's ledger says, or is
unknown, and then found."""

import asyncio
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.agents import AgentClient, Limits
from accounts.models import Account
from mt5monitor import loop
from tests.trading.desk import Desk
from tests.trading.proxy import Harm, Proxy, Trade
from tests.trading.test_reconcile import again, expired, later
from trading import orders, wire
from trading.models import Order
from trading.states import State

pytestmark = pytest.mark.django_db
DEADLINE_S = 1.0
CONTRACTS = pytest.mark.parametrize("contract", ["1", "2"])


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentClient]:
    """One that waits less long for a trade."""
    limits = Limits(trade_deadline=DEADLINE_S, allowed_networks=("127.0.0.0/8",))
    client = AgentClient(limits)
    for module in (wire, orders):
        monkeypatch.setattr(module, "client", lambda: client)
    yield client
    loop.run(client.close())


@pytest.fixture
def proxy(desk: Desk, client: AgentClient) -> Iterator[Proxy]:
    with Proxy(desk.venue.endpoint("1").url) as proxy:
        for contract in ("1", "2"):
            path = desk.venue.member(contract).path
            desk.move(contract, proxy.base + path)
        yield proxy


async def cut_before(trade: Trade) -> None:
    """The request is taken and goes nowhere."""


async def reset_before(trade: Trade) -> None:
    trade.reset()


async def cut_after(trade: Trade) -> None:
    """It arrives, and its answer does not."""
    await trade.answer()


async def reset_after(trade: Trade) -> None:
    await trade.answer()
    trade.reset()


async def cut_within(trade: Trade) -> None:
    """Half of the answer comes."""
    answer = await trade.answer()
    await trade.say(answer[: len(answer) - 40])


async def half_close(trade: Trade) -> None:
    """It arrives; nothing will be said any more, but the line stays open."""
    await trade.answer()
    trade.writer.write_eof()
    await asyncio.sleep(60)


async def half_close_within(trade: Trade) -> None:
    answer = await trade.answer()
    await trade.say(answer[:20])
    trade.writer.write_eof()
    await asyncio.sleep(60)


async def silence(trade: Trade) -> None:
    """It arrives, and then nothing happens for longer than anybody waits."""
    await trade.answer()
    await asyncio.sleep(60)


async def swallowed(trade: Trade) -> None:
    """It never arrives, and nobody says so."""
    await asyncio.sleep(60)


async def drip_for_ever(trade: Trade) -> None:
    for byte in await trade.answer():
        await trade.say(bytes([byte]))
        await asyncio.sleep(0.1)


async def noise(trade: Trade) -> None:
    await trade.answer()
    await trade.say(b"\x16\x03\x01 this is no HTTP\r\n\r\n")


async def bad_gateway(trade: Trade) -> None:
    await trade.answer()
    await trade.say(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nno\n")


async def redirected(trade: Trade) -> None:
    """To itself: whoever follows sends it twice."""
    await trade.answer()
    path = trade.request.split()[1]
    await trade.say(b"HTTP/1.1 307 x\r\nlocation: " + path + b"\r\ncontent-length: 0\r\n\r\n")


async def try_again(trade: Trade) -> None:
    await trade.answer()
    await trade.say(b"HTTP/1.1 503 x\r\nretry-after: 0\r\ncontent-length: 0\r\n\r\n")


async def delay(trade: Trade) -> None:
    answer = await trade.answer()
    await asyncio.sleep(DEADLINE_S / 4)
    await trade.say(answer)


async def drip(trade: Trade) -> None:
    for byte in await trade.answer():
        await trade.say(bytes([byte]))


HARMLESS = [delay, drip]
NOT_ARRIVED = [cut_before, reset_before, swallowed]
LOST = [
    cut_after, reset_after, cut_within, half_close, half_close_within, silence,
    drip_for_ever, noise, bad_gateway, redirected, try_again,
]  # fmt: skip


@CONTRACTS
@pytest.mark.parametrize("harm", HARMLESS)
def test_a_slow_line_changes_nothing(desk: Desk, proxy: Proxy, contract: str, harm: Harm) -> None:
    proxy.harm = harm
    order = desk.send(contract)
    assert order.state == State.FILLED, order.reason
    assert len(desk.sent(contract)) == proxy.trades == 1


@CONTRACTS
@pytest.mark.parametrize("harm", LOST)
def test_an_answer_that_is_lost_is_unknown_and_then_found(
    desk: Desk, proxy: Proxy, contract: str, harm: Harm
) -> None:
    proxy.harm = harm
    order = desk.send(contract)
    assert order.state == State.UNKNOWN, order.reason
    assert len(desk.sent(contract)) == proxy.trades == 1
    order = again(order)
    (execution,) = desk.venue.entries(contract, "execution")
    if contract == "2":
        assert order.state == State.FILLED
        assert order.position_ticket == execution["deal"].position_id
    else:
        assert order.state == State.NEEDS_ATTENTION
        assert shown(order) == [execution["deal"].position_id]
    assert proxy.trades == 1


@CONTRACTS
@pytest.mark.parametrize("harm", NOT_ARRIVED)
def test_a_trade_that_did_not_arrive_is_unknown_until_that_is_proven(
    desk: Desk, proxy: Proxy, contract: str, harm: Harm
) -> None:
    desk.venue.member("2").open_journal()
    proxy.harm = harm
    order = desk.send(contract)
    assert order.state == State.UNKNOWN, order.reason
    order = again(order)
    assert desk.sent(contract) == []
    if contract == "1":
        assert order.state == State.NEEDS_ATTENTION
        assert shown(order) == []
        return
    assert order.state == State.UNKNOWN
    expired(order)
    for _ in range(2):
        order = again(later(order, 10))
    assert order.state == State.NOT_EXECUTED
    assert proxy.trades == 1


@CONTRACTS
def test_a_line_that_takes_no_connection_proves_that_nothing_was_sent(
    desk: Desk, proxy: Proxy, contract: str
) -> None:
    order = desk.place(contract)
    # The account is read over a connection that stands, and the trade is refused one of its own.
    wire.read_account(order)
    proxy.refuse()
    assert orders.send(order).state == State.NOT_SENT
    assert desk.sent(contract) == []
    assert proxy.trades == 0


def test_a_trade_that_is_held_up_until_it_expired_is_refused_by_the_agent(
    desk: Desk, proxy: Proxy
) -> None:
    arrived = socket.socketpair()

    async def hold(trade: Trade) -> None:
        """Until after its time; the monitor has long given up."""
        while timezone.now() < order.valid_until:
            await asyncio.sleep(0.02)
        await trade.answer()
        arrived[0].send(b"x")

    proxy.harm = hold
    desk.venue.member("2").open_journal()
    account = Account.objects.get(pk=desk.accounts["2"].pk)
    valid = timedelta(seconds=DEADLINE_S + 0.5)
    order = orders.place(account, desk.trader, desk.asked(), "held up", valid)
    with arrived[0], arrived[1]:
        assert orders.send(order).state == State.UNKNOWN
        arrived[1].settimeout(20)
        assert arrived[1].recv(1) == b"x"
    assert desk.sent() == []
    assert again(order).state == State.REJECTED


def shown(order: Order) -> list[Any]:
    event = order.events.filter(state=State.NEEDS_ATTENTION).get()
    return [candidate["ticket"] for candidate in event.data or ()]
