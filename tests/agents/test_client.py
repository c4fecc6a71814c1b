"""Every way in which an agent can misbehave, on real sockets."""

import asyncio
import gzip
import os
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

import accounts.agents
from accounts.agents import errors
from accounts.agents.client import AgentClient
from mt5monitor import loop
from tests.agents.conftest import endpoint
from tests.agents.servers import account, response, serving, telling

ACCOUNT_JSON = response(b'{"account_number": 1, "balance": 2, "has_open_position": false}')


async def failing(client, url, error, match=None):
    """Reads `url`, expects `error`, and holds it to be counted."""
    before = client.statistics().errors.get(error.code, 0)
    with pytest.raises(error, match=match) as caught:
        await client.read(endpoint(url))
    assert type(caught.value) is error
    assert client.statistics().errors[error.code] == before + 1
    assert client.statistics().in_use == 0
    return caught.value


def sending(*parts, hang=False):
    async def agent(visit):
        await visit.send(*parts)
        if hang:
            await visit.reader.read()
        visit.writer.close()

    return agent


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
        await failing(agents, server.url, errors.TooLarge, "256 KB")
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


def self_signed(tmp_path, name, days=1):
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "agent")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / f"{name}{days}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(path)
    return path, served


async def test_a_self_signed_certificate_is_named(agents, tmp_path):
    _, served = self_signed(tmp_path, "127.0.0.1")
    async with serving(sending(ACCOUNT_JSON), served) as server:
        await failing(agents, server.url, errors.BadCertificate, "self-signed")


async def test_a_certificate_for_another_address_or_out_of_date_is_named(make_client, tmp_path):
    for name, days, why in (("10.0.0.9", 1, "not valid for"), ("127.0.0.1", -1, "expired")):
        path, served = self_signed(tmp_path, name, days)
        trusting = ssl.create_default_context(cafile=path)
        async with serving(sending(ACCOUNT_JSON), served) as server:
            await failing(make_client(trusting), server.url, errors.BadCertificate, why)


async def test_a_certificate_that_fits_is_accepted(make_client, tmp_path):
    path, served = self_signed(tmp_path, "127.0.0.1")
    client = make_client(ssl.create_default_context(cafile=path))
    async with serving(telling({"/accounts": ACCOUNT_JSON}), served) as server:
        assert (await client.read(endpoint(server.url))).accounts[0].number == 1


async def test_https_to_an_agent_that_speaks_plain_http_is_named(agents):
    async def plain(reader, writer):
        await reader.read(1)
        writer.write(response(b"", "400 Bad Request"))
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(plain, "127.0.0.1", 0) as server:
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await failing(agents, url, errors.BadCertificate, "Is it plain http")


async def test_an_address_outside_the_allowed_networks_is_not_dialled(make_client):
    client = make_client(allowed_networks=())
    async with serving(sending(ACCOUNT_JSON)) as server:
        await failing(client, server.url, errors.AddressNotAllowed, "AGENT_ALLOWED_NETWORKS")
        assert server.connections == 0
    assert client.statistics().requests == 0


async def test_the_address_that_a_name_leads_to_is_judged_when_it_is_dialled(
    make_client, monkeypatch
):
    """A name may be innocent when it is entered and lead to loopback or metadata later."""
    client = make_client(allowed_networks=())

    def resolve(host, port, *_args, **_kwargs):
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)),
            (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", port)),
        ]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    async with serving(sending(ACCOUNT_JSON)) as server:
        port = server.url.rpartition(":")[2]
        await failing(client, f"http://vps.example.com:{port}", errors.AddressNotAllowed)
        assert server.connections == 0


async def test_one_bad_agent_has_no_effect_on_the_others(make_client):
    client = make_client(deadline=0.5)

    async def hang(visit):
        await visit.reader.read()

    async with serving(hang) as bad, serving(telling({"/accounts": ACCOUNT_JSON})) as good:
        urls = [bad.url, good.url] * 20
        results = await asyncio.gather(
            *(client.read(endpoint(url)) for url in urls), return_exceptions=True
        )
    assert all(isinstance(result, errors.TimedOut) for result in results[::2])
    assert all(result.accounts[0].number == 1 for result in results[1::2])


async def test_calls_beyond_the_slots_wait_and_are_counted_and_do_not_blame_the_agent(make_client):
    client = make_client(max_concurrency=2, pool_timeout=0.2, deadline=5.0)
    release = asyncio.Event()

    async def agent(visit):
        await release.wait()
        await visit.json(account())

    async with serving(agent) as server:
        calls = [asyncio.ensure_future(client.read(endpoint(server.url))) for _ in range(3)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert client.statistics().in_use == 2
        (failed,) = (call for call in calls if call.done())
        assert isinstance(failed.exception(), errors.PoolTimedOut)
        late = asyncio.ensure_future(client.read(endpoint(server.url)))
        await asyncio.sleep(0)
        assert client.statistics().waiting == 1
        release.set()
        await late
        await asyncio.gather(*(call for call in calls if call is not failed))
    statistics = client.statistics()
    assert (statistics.in_use, statistics.waiting) == (0, 0)


async def test_a_cancelled_call_gives_its_slot_and_its_connection_back(make_client):
    client = make_client(max_concurrency=1)

    async def agent(visit):
        if len(server.requests) == 1:
            await visit.reader.read()
        await visit.json(account())

    async with serving(agent) as server:
        call = asyncio.ensure_future(client.read(endpoint(server.url)))
        await server.arrived.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await client.check()
        await client.read(endpoint(server.url))


async def test_a_contract_that_there_is_not_is_our_mistake(agents):
    with pytest.raises(ValueError, match="no contract '3'"):
        await agents.read(endpoint("http://10.0.0.1", "3"))


@pytest.fixture
def _own_loop(settings):
    settings.AGENTS = {"ALLOWED_NETWORKS": ["127.0.0.0/8"]}
    loop.stop()
    yield
    loop.stop()


@pytest.mark.usefixtures("_own_loop")
def test_the_client_of_a_process_is_one_until_the_loop_stops():
    first = accounts.agents.client()
    assert accounts.agents.client() is first
    loop.stop()
    assert first.closed
    assert accounts.agents.client() is not first


@pytest.mark.usefixtures("_own_loop")
def test_a_forked_child_makes_a_client_of_its_own():
    first = accounts.agents.client()
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            other = accounts.agents.client()
            assert isinstance(other, AgentClient)
            os.write(write, b"other" if other is not first else b"same")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert said.read() == b"other"
    os.waitpid(child, 0)
    assert accounts.agents.client() is first
