"""A trade is written once or never, whatever fails at whatever moment, and never said to be more
certain than it is. Every server counts what it saw."""

import asyncio
import gzip
import socket
import ssl
import threading
from datetime import UTC, datetime

import aiohttp
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
    SPEC,
    TAG,
    nonce_of,
    order,
    outcome,
    saying,
    signed,
    soon,
    traded,
)
from tests.agents.servers import response, sending, serving
from tests.agents.test_dialling import self_signed
from tests.agents.test_signing import SECRET

BOTH = pytest.mark.parametrize("contract", ["1", "2"])
DONE = {"1": DONE1, "2": DONE2}
HTML = response(b"<h1>Bad Gateway</h1>", "502 Bad Gateway", "text/html")


@BOTH
@pytest.mark.parametrize("kind", ["open", "close", "modify"])
async def test_a_trade_is_one_request_on_a_connection_that_is_closed_after_it(
    agents, contract, kind
):
    told = {**DONE[contract], "ticket": 5012345} if kind == "modify" else DONE[contract]
    async with serving(saying(told, contract=contract)) as server:
        for sent in (1, 2):
            answer = await agents.trade(
                endpoint(server.url, contract, secret=SECRET), order(kind), SPEC
            )
            assert answer.outcome == "done"
            assert len(server.requests) == server.connections == sent
        assert all(request.headers["connection"] == "close" for request in server.requests)
    assert agents.statistics().idle == 0


# --- before the first byte: nothing was sent ----------------------------------------------------


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
    from decimal import Decimal

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


# --- too late -----------------------------------------------------------------------------------


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


# --- from the first byte on: unknown ------------------------------------------------------------


async def reset(visit):
    visit.reset()


async def hang(visit):
    await visit.reader.read()


async def drip(visit):
    await visit.send(response(b"", length=10_000))
    while True:
        await visit.send(b" ")
        await asyncio.sleep(0.02)


async def drip_headers(visit):
    await visit.send(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        await visit.send(b"x")
        await asyncio.sleep(0.02)


async def half_close(visit):
    visit.writer.write_eof()
    await visit.reader.read()


ENDINGS = {
    "reset": reset,
    "closed without a word": sending(),
    "half closed": half_close,
    "half a status line": sending(b"HTTP/1.1 2"),
    "half a head": sending(b"HTTP/1.1 200 OK\r\nContent-"),
    "head, then reset": sending(response(b"", length=10)),
    "body cut": sending(response(b'{"success": true, "ticket": 7', length=100)),
    "chunk cut": sending(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"),
    "never answers": hang,
    "drips": drip,
    "drips its headers": drip_headers,
    "redirect": sending(response(b"", "307 Temporary", headers=("Location: /positions/open",))),
    "redirect of a post": sending(response(b"", "303 See Other", headers=("Location: /",))),
    "html": sending(HTML),
    "html that is fine": sending(response(b"<p>ok</p>", kind="text/html")),
    "internal error": sending(response(b'{"detail": "Internal Server Error"}', "500 Error")),
    "unavailable": sending(response(b"", "503 Service Unavailable")),
    "408": sending(response(b"", "408 Request Timeout")),
    "404": sending(response(b'{"detail": "Not Found"}', "404 Not Found")),
    "422": sending(response(b'{"detail": [{"msg": "field required"}]}', "422 Unprocessable")),
    "401": sending(response(b"", "401 Unauthorized")),
    "429": sending(response(b"", "429 Too Many Requests")),
    "204": sending(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "empty": sending(response(b"")),
    "not json": sending(response(b"ok")),
    "json of another kind": sending(response(b"[1, 2]")),
    "a number": sending(response(b"1")),
    "huge": sending(response(b" " * 400_000)),
    "huge headers": sending(response(b"{}", headers=("X: " + "y" * 100_000,)), hang=True),
    "announced huge": sending(response(b"{}", length=50_000_000), hang=True),
    "gzip bomb": sending(
        response(gzip.compress(b" " * 50_000_000), headers=("Content-Encoding: gzip",))
    ),
    "damaged gzip": sending(response(b"\x1f\x8bxx", headers=("Content-Encoding: gzip",))),
    "unknown encoding": sending(response(b"xx", headers=("Content-Encoding: br",))),
    "not http": sending(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", hang=True),
    "interim answers without an end": sending(b"HTTP/1.1 100 Continue\r\n\r\n" * 50, hang=True),
    "nan": sending(response(b'{"success": true, "ticket": 7, "price": NaN}')),
    "deep": sending(response(b"[" * 200_000)),
    "not utf-8": sending(response(b'{"success": true, "ticket": 7, "message": "\xff"}')),
}


@BOTH
@pytest.mark.parametrize("ending", ENDINGS)
async def test_whatever_fails_once_it_was_written_is_unknown_and_not_sent_again(
    make_client, contract, ending
):
    client = make_client(trade_deadline=0.5)
    async with serving(ENDINGS[ending]) as server:
        called = await traded(client, server, contract=contract)
        assert len(server.requests) == 1
    assert outcome(called) == "unknown", called
    assert called.message
    assert client.statistics().errors["outcome-unknown"] == 1


@BOTH
async def test_a_modify_is_a_put_that_is_not_sent_again_either(make_client, contract):
    async with serving(reset) as server:
        called = await traded(make_client(), server, order("modify"), contract)
        assert len(server.requests) == 1
    assert outcome(called) == "unknown"


async def test_what_came_of_an_answer_that_breaks_off_is_kept_as_evidence(agents):
    async with serving(ENDINGS["body cut"]) as server:
        called = await traded(agents, server)
    assert called.received == '{"success": true, "ticket": 7'
    assert "closed the connection" in called.message


async def test_what_was_received_is_clean_and_clipped(agents):
    said = b'{"success": 1, "x": "\x1b[31m\xe2\x80\xae' + b"y" * 9_000 + b'"}'
    async with serving(sending(response(said))) as server:
        called = await traded(agents, server)
    assert outcome(called) == "unknown"
    assert len(called.received) == 4000
    assert called.received.isprintable()


@BOTH
async def test_an_answer_that_comes_after_the_deadline_changes_nothing(make_client, contract):
    client = make_client(trade_deadline=0.3)
    answered = asyncio.Event()

    async def agent(visit):
        while not called_back.is_set():
            await asyncio.sleep(0.01)
        try:
            await saying(DONE[contract], contract=contract)(visit)
        finally:
            answered.set()

    called_back = asyncio.Event()
    async with serving(agent) as server:
        called = await traded(client, server, contract=contract)
        called_back.set()
        await answered.wait()
        assert len(server.requests) == 1
    assert outcome(called) == "unknown"
    assert "within 0.3 s" in called.message or "sent nothing" in called.message


async def test_a_trade_waits_longer_than_a_reading_may_take(make_client):
    client = make_client(trade_deadline=20.0, deadline=0.2, read_timeout=0.2)

    async def agent(visit):
        await asyncio.sleep(0.5)
        await visit.json(DONE1)

    async with serving(agent) as server:
        assert outcome(await traded(client, server)) == "done"


async def test_a_trade_that_is_cancelled_is_not_sent_again_and_gives_its_slot_back(make_client):
    client = make_client(trade_concurrency=1)
    async with serving(hang) as server:
        call = asyncio.ensure_future(client.trade(endpoint(server.url), ORDER))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert client.statistics().in_use == 0
        assert len(server.requests) == 1
        assert await client.check()


async def test_a_client_that_is_closed_under_a_trade_leaves_it_unknown(make_client):
    client = make_client()
    async with serving(hang) as server:
        call = asyncio.ensure_future(client.trade(endpoint(server.url), ORDER))
        await server.arrived.wait()
        await client.close()
        assert (await call).outcome == "unknown"


@BOTH
async def test_a_mistake_of_ours_in_reading_the_answer_is_unknown_and_logged(
    agents, contract, monkeypatch, caplog
):
    def broken(*_args, **_kwargs):
        raise ZeroDivisionError

    monkeypatch.setattr("accounts.agents.fields.decode", broken)
    async with serving(saying(DONE[contract], contract=contract)) as server:
        called = await traded(agents, server, contract=contract)
    assert outcome(called) == "unknown"
    assert TAG in caplog.text
    assert "ZeroDivisionError" in caplog.text


async def test_a_mistake_of_ours_before_the_write_proves_that_nothing_was_sent(
    agents, monkeypatch, caplog
):
    def broken(*_args):
        raise ZeroDivisionError

    monkeypatch.setattr("accounts.agents.trade1._open", broken)
    async with serving(saying(DONE1)) as server:
        assert outcome(await traded(agents, server)) == "not-sent"
        assert server.connections == 0
    assert "ZeroDivisionError" in caplog.text


async def test_a_mistake_of_ours_while_it_is_written_is_unknown(agents, monkeypatch, caplog):
    async def broken(self, conn):
        raise ZeroDivisionError

    monkeypatch.setattr(aiohttp.ClientRequest, "send", broken)
    async with serving(saying(DONE1)) as server:
        assert outcome(await traded(agents, server)) == "unknown"


async def test_a_request_that_was_written_is_never_written_again(agents, monkeypatch, caplog):
    """Whatever a library makes of a failure, the second write is refused."""
    original = aiohttp.ClientRequest.send

    async def twice(self, conn):
        await original(self, conn)
        await asyncio.wait_for(server.arrived.wait(), 5)
        return await Once.send(self, conn)

    monkeypatch.setattr(aiohttp.ClientRequest, "send", twice)
    async with serving(hang) as server:
        assert outcome(await traded(agents, server)) == "unknown"
        assert len(server.requests) == 1
    assert "about to be written again" in caplog.text


# --- signatures ---------------------------------------------------------------------------------


async def unsigned(visit):
    await visit.json(DONE2)


async def by_another(visit):
    told = signed(visit, DONE2)
    await visit.send(told.replace(b"Signature: sig1=:", b"Signature: sig1=:AAAA", 1))


async def of_another_body(visit):
    await visit.send(signed(visit, DONE2).replace(b'"order": 77', b'"order": 88'))


async def of_another_status(visit):
    await visit.send(signed(visit, DONE2, "202 Accepted").replace(b"202 Accepted", b"200 OK", 1))


async def replayed(visit):
    await visit.send(signed(visit, DONE2, nonce="n" * len(nonce_of(visit))))


async def of_another_time(visit):
    await visit.send(signed(visit, DONE2, skew=-60))


@pytest.mark.parametrize(
    "agent", [unsigned, by_another, of_another_body, of_another_status, replayed, of_another_time]
)
async def test_an_answer_that_is_not_signed_for_this_request_proves_nothing(agents, agent):
    async with serving(agent) as server:
        called = await traded(agents, server, contract="2")
        assert len(server.requests) == 1
    assert outcome(called) == "unknown"
    assert '"outcome": "done"' in called.received


async def test_a_refusal_that_is_not_signed_proves_nothing(agents):
    problem = b'{"type": "order-expired", "title": "x", "sent": false}'
    async with serving(sending(response(problem, "422 Unprocessable"))) as server:
        called = await traded(agents, server, contract="2")
    assert outcome(called) == "unknown"
    assert "HTTP 422" in called.message


# --- apart from the polls -----------------------------------------------------------------------


async def test_a_trade_does_not_wait_for_polls_that_hold_every_slot_and_connection(make_client):
    client = make_client(max_concurrency=2, max_connections=2, deadline=20.0, read_timeout=20.0)
    async with serving(hang) as busy, serving(saying(DONE1)) as server:
        polls = [asyncio.ensure_future(client.read(endpoint(busy.url))) for _ in range(2)]
        while len(busy.requests) < 2:
            await asyncio.sleep(0.005)
        assert outcome(await asyncio.wait_for(client.trade(endpoint(server.url), ORDER), 5)) == (
            "done"
        )
        for poll in polls:
            poll.cancel()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_a_trade_does_not_wait_for_names_that_dns_does_not_answer(make_client, monkeypatch):
    client = make_client(max_concurrency=100, deadline=20.0, connect_timeout=20.0, pool_timeout=20)
    answered, asked = threading.Event(), threading.Semaphore(0)
    original = socket.getaddrinfo

    def slow(host, *args, **kwargs):
        if host.startswith("dead"):
            asked.release()
            answered.wait(20)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        return original(host, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    async with serving(saying(DONE1)) as server:
        polls = [
            asyncio.ensure_future(client.read(endpoint(f"http://dead{n}.example")))
            for n in range(64)
        ]
        while not asked.acquire(blocking=False):
            await asyncio.sleep(0.005)
        url = server.url.replace("127.0.0.1", "localhost")
        assert (await asyncio.wait_for(client.trade(endpoint(url), ORDER), 10)).outcome == "done"
        answered.set()
        await asyncio.gather(*polls, return_exceptions=True)


async def test_a_trade_finds_the_address_that_a_poll_found(agents, monkeypatch):
    async with serving(
        saying({"account_number": 1, "balance": 1, "has_open_position": False})
    ) as a:
        await agents.read(endpoint(a.url.replace("127.0.0.1", "localhost")))
        monkeypatch.setattr(socket, "getaddrinfo", None)
        called = await traded(agents, a.url.replace("127.0.0.1", "localhost"))
    assert outcome(called) == "unknown"
    assert len(a.requests) == 2


async def test_over_tls_a_trade_goes_out_as_well(make_client, tmp_path):
    path, served = self_signed(tmp_path, "127.0.0.1")
    client = make_client(ssl.create_default_context(cafile=path))
    async with serving(saying(DONE2, contract="2"), served) as server:
        assert outcome(await traded(client, server, contract="2")) == "done"
