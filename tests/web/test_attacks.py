"""Attacks on the web server itself, over raw sockets; see also test_channel.py."""

import contextlib
import json
import socket
from collections.abc import Iterator
from uuid import uuid4

import pytest

from tests.factories import make_account, make_position, make_user
from tests.live.page import session_of
from tests.live.served import Served
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from tests.web.line import chunk, head

MB = 1024 * 1024
LINUX = pytest.mark.skipif("sys.platform != 'linux'", reason="memory is read from /proc")
TOKEN = "a" * 32
FORM = "Content-Type: application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def web(
    django_db_setup: None,
    valkey_server: PrivateValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("web") / "log"
    served = Served(log, options=["--proxy-headers"])
    served.start()
    assert eventually(lambda: listens(served.port))
    yield served
    served.stop()
    served.said()


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return False
    return True


def ask(web: Served, *parts: bytes) -> tuple[int, str, bytes]:
    """Status, headers and body of the answer to what is sent, as far as it is taken."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        with contextlib.suppress(OSError):  # refused by now
            for part in parts:
                line.sendall(part)
        said = b""
        while not is_whole(said) and (more := line.recv(65_536)):
            said += more
    headers, _, body = said.partition(b"\r\n\r\n")
    return int(headers.split()[1]), headers.decode(), body


def mine(web: Served, cookies: str = "") -> list[str]:
    """What a page of ours sends."""
    sent = [f"Host: 127.0.0.1:{web.port}", f"Origin: {web.origin}", "HX-Request: true"]
    return [*sent, f"Cookie: {cookies}", f"X-CSRFToken: {TOKEN}"]


def is_whole(said: bytes) -> bool:
    headers, end, body = said.partition(b"\r\n\r\n")
    if end and b" 101 " in headers.partition(b"\r\n")[0]:
        return True
    if body.endswith(b"\r\n0\r\n\r\n"):  # in chunks
        return True
    length = headers.lower().partition(b"content-length: ")[2].split()
    return bool(end and length) and len(body) >= int(length[0])


def get(web: Served, *headers: str, target: str = "/") -> tuple[int, str, bytes]:
    return ask(web, head(target, f"Host: 127.0.0.1:{web.port}", *headers, method="GET"))


@LINUX
def test_150_megabytes_at_the_sign_in_are_refused_and_never_in_memory(web: Served) -> None:
    get(web)
    before = web.most_memory()
    status, _, _ = ask(web, head("/login/", FORM, length=150 * MB), *[b"a" * MB] * 150)
    assert status == 413
    status, headers, body = ask(
        web, head("/api/auth/login", "Transfer-Encoding: chunked"), *[chunk(b"a" * MB)] * 150
    )
    assert status == 413
    assert "application/json" in headers
    assert "65,536 bytes" in json.loads(body)["detail"]
    assert web.most_memory() < before + 20 * MB


def test_a_form_with_twenty_thousand_fields_is_read(web: Served, rows: None) -> None:
    account, session = make_account(), session_of(make_user(is_superuser=True))
    make_position(account, ticket=4711)
    fields = [f"accounts={account.number}", "step=send", f"client_key={uuid4()}"]
    fields += [f"position={account.key}-4711"] * 19_900
    form = "&".join(fields).encode()
    headers = mine(web, f"session={session}; csrf={TOKEN}")
    request = head("/close/", FORM, *headers, length=len(form)) + form
    status, _, body = ask(web, request)
    assert status == 200, body


def test_a_packed_body_is_not_unpacked(web: Served) -> None:
    packed = b"\x1f\x8b" + b"\0" * 100
    headers = ("Content-Type: application/json", "Content-Encoding: gzip")
    target = head("/api/auth/login", f"Host: 127.0.0.1:{web.port}", *headers, length=len(packed))
    assert ask(web, target + packed)[0] in (400, 415, 422)


def test_where_the_application_is_mounted_is_no_callers_affair(web: Served) -> None:
    for path in ("/evil", "/%80", "//evil.example"):
        status, headers, _ = get(web, f"Daphne-Root-Path: {path}", target="/")
        assert status == 302
        assert "Location: /login/?next=/" in headers
    assert "evil" not in headers


def test_a_header_that_is_no_address_is_no_error_of_ours(web: Served) -> None:
    for claim in ("\xff\xfe", "unknown", "", ",", "1.2.3.4.5", "a" * 5000):
        lines = (f"X-Forwarded-For: {claim}", f"X-Forwarded-Port: {claim}")
        assert get(web, *lines, f"X-Forwarded-Proto: {claim}")[0] == 302, claim


def test_an_open_socket_is_asked_the_same(web: Served) -> None:
    lines = ("X-Forwarded-For: \xff", "Daphne-Root-Path: /%80", "Upgrade: websocket")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    status, _, _ = get(
        web, *lines, "Connection: Upgrade", key, "Sec-WebSocket-Version: 13", target="/ws/live/"
    )
    assert status == 101
    status, _, _ = get(
        web,
        *("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", key),
        "Sec-WebSocket-Protocol: \xff",
        target="/ws/live/",
    )
    assert status == 400


@pytest.mark.parametrize(
    "lines",
    [
        ["X-Long: " + "a" * 20_000],
        [f"X-{number}: a" for number in range(600)],
        ["Content-Length: 1", "Transfer-Encoding: chunked"],
        ["Content-Length: -1"],
    ],
    ids=["long", "many", "two lengths", "negative"],
)
def test_headers_beyond_reason_are_refused(web: Served, lines: list[str]) -> None:
    assert get(web, *lines)[0] == 400
