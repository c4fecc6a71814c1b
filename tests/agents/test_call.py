"""Every way in which an agent can misbehave, on real sockets."""

import asyncio
import gzip
import socket

import pytest

from accounts.agents import errors
from tests.agents.conftest import endpoint, failing
from tests.agents.servers import ACCOUNT_JSON, response, sending, serving, telling


async def test_a_refused_connection_is_named(agents):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        error = await failing(agents, f"http://127.0.0.1:{port}", errors.ConnectionRefused)
    assert error.status == "offline"


async def test_a_name_that_dns_does_not_know_is_named(agents):
    error = await failing(agents, "http://no-such-agent.invalid", errors.NameNotResolved)
    assert "no-such-agent.invalid" in error.sentence


async def test_an_agent_that_takes_the_request_and_hangs_is_named(make_client):
    client = make_client(read_timeout=0.2)

    async def agent(visit):
        await visit.reader.read()

    async with serving(agent) as server:
        await failing(client, server.url, errors.ReadTimedOut, "sent nothing")


async def test_a_machine_that_takes_no_connection_is_named(make_client):
    client = make_client(connect_timeout=0.2, pool_timeout=0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        address = deaf.getsockname()
        # A full backlog swallows the next SYN, as a firewall does.
        filling = [socket.socket() for _ in range(4)]
        for one in filling:
            one.setblocking(False)
            one.connect_ex(address)
        await failing(client, f"http://127.0.0.1:{address[1]}", errors.ConnectTimedOut)
        for one in filling:
            one.close()


async def test_an_agent_that_drips_is_cut_by_the_deadline(make_client):
    client = make_client(deadline=0.4, read_timeout=5.0)

    async def agent(visit):
        await visit.send(response(b"", length=10_000))
        while True:
            await visit.send(b" ")
            await asyncio.sleep(0.02)

    async with serving(agent) as server:
        await failing(client, server.url, errors.DeadlinePassed, "within 0.4 s")


async def test_an_agent_that_drips_its_headers_is_cut_by_the_deadline(make_client):
    client = make_client(deadline=0.4, read_timeout=5.0)

    async def agent(visit):
        await visit.send(b"HTTP/1.1 200 OK\r\nX: ")
        while True:
            await visit.send(b"x")
            await asyncio.sleep(0.02)

    async with serving(agent) as server:
        await failing(client, server.url, errors.DeadlinePassed)


async def test_html_is_named(agents):
    page = response(b"<!doctype html><h1>It works!</h1>", kind="text/html")
    async with serving(sending(page)) as server:
        await failing(agents, server.url, errors.NotJson, "web page")


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_of_50_mb_is_cut_early(agents, announced):
    sent = 0

    async def agent(visit):
        nonlocal sent
        length = b"Content-Length: 52428800\r\n" if announced else b""
        await visit.send(b"HTTP/1.1 200 OK\r\n" + length + b"Connection: close\r\n\r\n")
        for _ in range(800):
            await visit.send(b" " * 65536)
            sent += 65536

    async with serving(agent) as server:
        await failing(agents, server.url, errors.TooLarge, "larger than 4,096 KB")
    assert sent < 40_000_000


async def test_a_gzip_bomb_is_cut_before_it_is_inflated(agents):
    bomb = gzip.compress(b" " * 100_000_000)
    async with serving(sending(response(bomb, headers=("Content-Encoding: gzip",)))) as server:
        await failing(agents, server.url, errors.TooLarge)


async def test_a_gzipped_answer_is_read_though_we_asked_for_a_plain_one(agents):
    told = gzip.compress(ACCOUNT_JSON.partition(b"\r\n\r\n")[2])
    async with serving(sending(response(told, headers=("Content-Encoding: gzip",)))) as server:
        reading = await agents.read(endpoint(server.url))
        assert server.requests[0].headers["accept-encoding"] == "identity"
    assert reading.accounts[0].number == 1


async def test_an_encoding_that_we_did_not_ask_for_is_named(agents):
    async with serving(sending(response(b"x", headers=("Content-Encoding: br",)))) as server:
        await failing(agents, server.url, errors.UnexpectedEncoding, "'br'")


@pytest.mark.parametrize(
    "headers",
    [("X-Big: " + "x" * 100_000,), tuple(f"X-{n}: y" for n in range(2000))],
    ids=["one huge", "very many"],
)
async def test_huge_headers_are_named(agents, headers):
    async with serving(sending(response(b"{}", headers=headers), hang=True)) as server:
        await failing(agents, server.url, errors.TooLarge, "headers")


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"\x15\x03\x01\x00\x02\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nboo\r\n",
    ],
)
async def test_what_is_not_http_is_named(agents, said):
    async with serving(sending(said, hang=True)) as server:
        await failing(agents, server.url, errors.Malformed, "not HTTP")


@pytest.mark.parametrize(
    "said",
    [
        response(b'{"account_number"', length=100),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"",
    ],
    ids=["short body", "short chunk", "half a head", "nothing"],
)
async def test_an_answer_that_breaks_off_is_a_lost_connection(agents, said):
    async with serving(sending(said)) as server:
        await failing(agents, server.url, errors.ConnectionLost)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary Redirect"])
async def test_a_redirect_is_named_and_not_followed(agents, status):
    async with serving(sending(ACCOUNT_JSON)) as elsewhere:
        told = response(b"", status, headers=(f"Location: {elsewhere.url}/accounts",))
        async with serving(sending(told)) as server:
            await failing(agents, server.url, errors.Redirected, "not followed")
        assert elsewhere.connections == 0


async def test_cookies_are_not_kept(agents):
    told = response(ACCOUNT_JSON.partition(b"\r\n\r\n")[2], headers=("Set-Cookie: a=b",))
    async with serving(telling({"/accounts": told})) as server:
        await agents.read(endpoint(server.url))
        await agents.read(endpoint(server.url))
        assert not any("cookie" in request.headers for request in server.requests)


async def test_proxies_of_the_environment_are_ignored(make_client, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    async with serving(telling({"/accounts": ACCOUNT_JSON})) as server:
        await make_client().read(endpoint(server.url))


async def test_a_path_prefix_of_the_url_is_kept(agents):
    async with serving(telling({"/agents/17/accounts": ACCOUNT_JSON})) as server:
        await agents.read(endpoint(server.url + "/agents/17"))
        await agents.read(endpoint(server.url + "/agents/17/"))
        assert set(server.paths) == {"GET /agents/17/accounts"}
