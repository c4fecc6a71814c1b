"""Who is called: certificates, and the addresses that are really dialled."""

import asyncio
import socket
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from accounts.agents import errors
from tests.agents.conftest import endpoint, failing
from tests.agents.servers import ACCOUNT_JSON, response, sending, serving, telling


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
