"""Whatever fails before a trade is written proves that nothing was sent, and nothing is sent after
its time. Every server counts what it saw."""

import asyncio
import socket
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest

from accounts.agents import NotSent, errors, once
from accounts.agents.connections import Connector
from accounts.agents.pool import Once
from tests.agents.conftest import endpoint
from tests.agents.orders import (
    DONE1,
    DONE2,
    ORDER,
    TAG,
    order,
    outcome,
    saying,
    soon,
    traded,
)
from tests.agents.servers import response, serving
from tests.agents.test_dialling import self_signed

BOTH = pytest.mark.parametrize("contract", ["1", "2"])
DONE = {"1": DONE1, "2": DONE2}


@BOTH
async def test_a_refused_connection_proves_that_nothing_was_sent(agents, contract):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        called = await traded(
            agents, f"http://127.0.0.1:{taken.getsockname()[1]}", contract=contract
        )
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.ConnectionRefused)
    assert called.sentence.endswith("Nothing was sent.")


@pytest.mark.parametrize(
    ("url", "cause"),
    [
        ("http://no-such-agent.invalid", errors.NameNotResolved),
        ("http://169.254.169.254", errors.AddressNotAllowed),
        ("ftp://10.0.0.1", errors.AddressNotAllowed),
    ],
)
async def test_an_address_that_cannot_be_dialled_proves_it(agents, url, cause):
    called = await traded(agents, url)
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, cause)


async def test_a_name_that_leads_to_an_address_that_is_not_allowed_proves_it(make_client):
    client = make_client(allowed_networks=("::1/128",))
    async with serving(saying(DONE1)) as server:
        called = await traded(client, server.url.replace("127.0.0.1", "localhost"))
        assert server.connections == 0
    assert isinstance(called, NotSent)


async def test_a_machine_that_takes_no_connection_proves_it(make_client):
    client = make_client(connect_timeout=0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(deaf.getsockname())
        called = await traded(client, f"http://127.0.0.1:{deaf.getsockname()[1]}")
        for one in filling:
            one.close()
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.ConnectTimedOut)


async def test_a_certificate_that_does_not_fit_proves_it(agents, tmp_path):
    _, served = self_signed(tmp_path, "127.0.0.1")
    async with serving(saying(DONE1), served) as server:
        called = await traded(agents, server)
        assert server.requests == []
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.BadCertificate)


@pytest.mark.parametrize("then", ["silence", "reset", "nonsense"])
async def test_tls_that_never_comes_to_stand_proves_it(make_client, then):
    client = make_client(connect_timeout=0.3)
    heard = []

    async def connection(reader, writer):
        heard.append(await reader.read(65536))
        if then == "reset":
            writer.transport.abort()
        elif then == "nonsense":
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        heard.append(await reader.read())
        writer.close()

    listener = await asyncio.start_server(connection, "127.0.0.1", 0)
    async with listener:
        port = listener.sockets[0].getsockname()[1]
        called = await traded(client, f"https://127.0.0.1:{port}", contract="2")
    assert isinstance(called, NotSent)
    assert len(heard) == 0 or TAG.encode() not in b"".join(heard)


async def test_what_speaks_before_it_is_asked_is_no_agent_and_is_not_asked(agents, monkeypatch):
    """As SSH and mail servers do. A banner is never taken for the answer, not even one that says
    that the trade is done."""
    banner = response(b'{"success": true, "ticket": 7}')
    heard, original = [], Connector.connect

    async def connection(reader, writer):
        writer.write(banner)
        heard.append(await reader.read())
        writer.close()

    async def slow(self, req, **how):
        connected = await original(self, req, **how)
        while not connected.protocol.unasked:
            await asyncio.sleep(0.001)
        return connected

    monkeypatch.setattr(Connector, "connect", slow)
    async with await asyncio.start_server(connection, "127.0.0.1", 0) as listener:
        called = await traded(agents, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        while not heard:
            await asyncio.sleep(0.001)
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.Malformed)
    assert heard == [b""]


async def test_a_connection_that_is_closed_before_the_write_proves_it(agents, monkeypatch):
    original = Connector.connect

    async def slow(self, req, **how):
        connected = await original(self, req, **how)
        while connected.protocol.is_connected():
            await asyncio.sleep(0.001)
        return connected

    async def connection(reader, writer):
        writer.transport.abort()

    monkeypatch.setattr(Connector, "connect", slow)
    async with await asyncio.start_server(connection, "127.0.0.1", 0) as listener:
        called = await traded(agents, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.ConnectionLost)


async def test_without_its_secret_an_agent_of_contract_2_is_not_asked(agents):
    async with serving(saying(DONE2, contract="2")) as server:
        with pytest.raises(NotSent) as caught:
            await agents.trade(endpoint(server.url, "2"), ORDER)
        assert server.connections == 0
    assert isinstance(caught.value.cause, errors.SecretMissing)


async def test_without_a_free_slot_nothing_is_sent(make_client):
    client = make_client(trade_concurrency=1, pool_timeout=0.1)
    release = asyncio.Event()

    async def agent(visit):
        await release.wait()
        await visit.json(DONE1)

    async with serving(agent) as server:
        first = asyncio.ensure_future(client.trade(endpoint(server.url), ORDER))
        await server.arrived.wait()
        with pytest.raises(NotSent, match="AGENT_TRADE_CONCURRENCY") as caught:
            await client.trade(endpoint(server.url), ORDER)
        release.set()
        assert (await first).outcome == "done"
        assert len(server.requests) == 1
    assert isinstance(caught.value.cause, errors.PoolTimedOut)


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": "not a tag"},
        {"tag": "A" * 27},
        {"magic": 0},
        {"expected_login": 0},
        {"symbol": ""},
        {"side": None},
        {"volume": None},
        {"volume": "NaN"},
        {"volume": "0"},
        {"sl": "-1"},
        {"position": 7},
        {"deviation": -1},
        {"kind": "close", "position": None},
        {"kind": "close", "position": 7, "volume": None, "sl": "1"},
        {"kind": "modify", "position": 7},
    ],
)
async def test_an_order_that_no_agent_could_take_is_not_sent(agents, changes):
    exact = {k: Decimal(v) if k in ("volume", "sl") and v else v for k, v in changes.items()}
    async with serving(saying(DONE1)) as server:
        called = await traded(agents, server, msgspec.structs.replace(ORDER, **exact))
        assert server.connections == 0
    assert isinstance(called, NotSent)


@pytest.mark.parametrize("contract", ["3", ""])
async def test_a_contract_that_there_is_not_is_a_trade_that_is_not_sent(agents, contract, caplog):
    async with serving(saying(DONE1)) as server:
        assert outcome(await traded(agents, server, contract=contract)) == "not-sent"
        assert server.connections == 0


async def test_an_order_that_has_expired_is_not_sent(agents):
    async with serving(saying(DONE1)) as server:
        called = await traded(agents, server, order(expires_at=soon(-0.001)))
        assert server.connections == 0
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.Expired)


async def test_a_time_without_a_zone_is_no_time(agents):
    async with serving(saying(DONE1)) as server:
        naive = datetime(2099, 1, 1)  # noqa: DTZ001
        assert outcome(await traded(agents, server, order(expires_at=naive))) == "not-sent"
        assert server.connections == 0


async def test_connecting_takes_no_longer_than_until_the_order_expires(make_client):
    """The handshake would end after the order's time; without that bound it would be sent late."""
    client = make_client(connect_timeout=30.0, trade_deadline=60.0)

    async def connection(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(connection, "127.0.0.1", 0) as listener:
        url = f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        async with asyncio.timeout(20):
            called = await traded(client, url, order(expires_at=soon(0.3)))
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.ConnectTimedOut)


@BOTH
async def test_an_order_that_expires_while_it_is_connected_is_not_written(
    agents, contract, monkeypatch
):
    """As when the process was stopped meanwhile: the look right before the write is what holds."""
    original = Once.send

    async def late(self, conn):
        moment["now"] = datetime(2100, 1, 1, tzinfo=UTC)
        return await original(self, conn)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment["now"]

    moment = {"now": datetime.now(UTC)}
    monkeypatch.setattr(Once, "send", late)
    monkeypatch.setattr(once, "datetime", Clock)
    async with serving(saying(DONE[contract], contract=contract)) as server:
        called = await traded(agents, server, contract=contract)
        assert server.requests == []
    assert isinstance(called, NotSent)
    assert isinstance(called.cause, errors.Expired)


async def test_a_clock_that_is_turned_back_gives_no_more_time(agents, monkeypatch):
    request = order(expires_at=soon(0.05))
    expiry = once.Expiry(request.expires_at)
    moment = datetime.now(UTC)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return moment.replace(year=2001)

    monkeypatch.setattr(once, "datetime", Clock)
    await asyncio.sleep(0.06)
    with pytest.raises(errors.Expired):
        expiry.check()
