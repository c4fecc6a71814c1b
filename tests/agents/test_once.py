"""A trade is written once or never, and once it is written its outcome is unknown until an answer
proves another. Every server counts what it saw."""

import asyncio
import gzip

import aiohttp
import pytest

from accounts.agents.pool import Once
from tests.agents.conftest import endpoint
from tests.agents.orders import (
    DONE1,
    DONE2,
    ORDER,
    SPEC,
    TAG,
    order,
    outcome,
    saying,
    traded,
)
from tests.agents.servers import response, sending, serving
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
    client = make_client(trade_deadline=1.0)
    async with serving(ENDINGS[ending]) as server:
        called = await traded(client, server, contract=contract)
        async with asyncio.timeout(30):  # on a busy machine it reads after the deadline
            await server.arrived.wait()
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
