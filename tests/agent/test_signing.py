"""The signatures of v2, held against an independent implementation of RFC 9421."""

import base64
import time
from typing import Any

import httpx
import pytest
from http_message_signatures import (
    InvalidSignature,
)
from hypothesis import given
from hypothesis import strategies as st

from agent import signing
from agent.agent import Agent
from agent.signing import (
    MOST_NONCES,
    NONCE_MEMORY,
    Nonces,
    SignatureExpired,
    SignatureInvalid,
    SignatureMissing,
    content_digest,
    sign_response,
    verify_request,
)
from tests.agent.oracle import signed_by_the_library, verified_by_the_library
from tests.agent.parts import SECRET, MonitorSignature, TurnedClock, client_of, one_agent


def verify(request: httpx.Request, **changes: Any) -> str:
    path, _, query = request.url.raw_path.partition(b"?")
    given: dict[str, Any] = {
        "method": request.method,
        "path": path.decode(),
        "query": query.decode(),
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "body": request.content,
        "now": time.time(),
        "nonces": Nonces(),
    }
    return verify_request(SECRET, **(given | changes))


@pytest.fixture
def agent() -> Agent:
    return one_agent(TurnedClock(), seed=3)


@pytest.fixture
def client(agent: Agent) -> httpx.AsyncClient:
    return client_of(agent, "2")


@given(
    method=st.sampled_from(["GET", "POST", "PUT"]),
    path=st.text(st.sampled_from("abcXYZ019-._~/"), max_size=30),
    query=st.text(st.sampled_from("ab=&%20"), max_size=10).filter(
        lambda text: "%" not in text.replace("%20", "")
    ),
    body=st.binary(max_size=200),
)
def test_what_the_library_signs_is_accepted(
    method: str, path: str, query: str, body: bytes
) -> None:
    url = f"http://agent:9100/agents/2/{path}" + (f"?{query}" if query else "")
    request = signed_by_the_library(method, url, body, "nonce-0123456789")
    assert verify(request) == "nonce-0123456789"


@pytest.mark.parametrize(
    ("path", "covered"),
    [
        ("/v2/state", ["@status", "content-digest", "content-type", "request-nonce", "etag"]),
        ("/v2/symbols/NOPE", ["@status", "content-digest", "content-type", "request-nonce"]),
    ],
)
async def test_what_the_agent_signs_the_library_accepts(
    client: httpx.AsyncClient, path: str, covered: list[str]
) -> None:
    nonce = "abcdefgh-12345678"
    response = await client.get(path, auth=MonitorSignature(SECRET, nonce=nonce))
    assert response.headers["request-nonce"] == nonce
    assert response.headers["content-digest"] == content_digest(response.content)
    (result,) = verified_by_the_library(response)
    assert [name.strip('"') for name in result.covered_components][: len(covered)] == covered
    assert result.parameters["keyid"] == "agent"
    assert abs(result.parameters["created"] - time.time()) < 30


async def test_a_304_is_signed_without_a_content_type(client: httpx.AsyncClient) -> None:
    etag = (await client.get("/v2/state", auth=MonitorSignature(SECRET))).headers["etag"]
    response = await client.get(
        "/v2/state", auth=MonitorSignature(SECRET), headers={"If-None-Match": etag}
    )
    assert response.status_code == 304
    assert response.headers["signature-input"].startswith(
        'sig1=("@status" "content-digest" "request-nonce" "etag");created='
    )
    assert verified_by_the_library(response)


async def test_an_altered_answer_is_noticed_by_the_library(client: httpx.AsyncClient) -> None:
    response = await client.get("/v2/state", auth=MonitorSignature(SECRET))
    response.headers["etag"] = '"another"'
    with pytest.raises(InvalidSignature):
        verified_by_the_library(response)


@pytest.mark.parametrize("missing", ["Signature", "Signature-Input", "Content-Digest"])
async def test_a_request_without_its_signature_is_refused_and_the_refusal_signed(
    client: httpx.AsyncClient, missing: str
) -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    del request.headers[missing]
    response = await client.send(request)
    assert response.status_code == 401
    assert response.json()["type"] == "signature-missing"
    assert "request-nonce" not in response.headers
    assert verified_by_the_library(response)


async def test_a_request_of_another_secret_is_refused(client: httpx.AsyncClient) -> None:
    response = await client.get(
        "/v2/state", auth=MonitorSignature(b"another secret", nonce="nonce-0123456789")
    )
    assert response.status_code == 401
    assert response.json()["type"] == "signature-invalid"
    assert response.headers["request-nonce"] == "nonce-0123456789"
    assert verified_by_the_library(response)


@pytest.mark.parametrize("away", [-31, 31])
async def test_a_request_of_another_time_is_refused(client: httpx.AsyncClient, away: int) -> None:
    # One second further, for the clock moves on between signing and checking.
    created = int(time.time()) + (away - 1 if away < 0 else away + 1)
    response = await client.get("/v2/state", auth=MonitorSignature(SECRET, created=created))
    assert response.status_code == 401
    assert response.json()["type"] == "signature-expired"


@pytest.mark.parametrize("away", [-30.0, 0.0, 30.0])
def test_thirty_seconds_of_skew_are_accepted(away: float) -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    created = int(request.headers["signature-input"].split("created=")[1].split(";")[0])
    assert verify(request, now=created + away)


async def test_a_replayed_request_is_refused(client: httpx.AsyncClient) -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    assert (await client.send(request)).status_code == 200
    again = await client.send(request)
    assert again.status_code == 401
    assert again.json()["type"] == "nonce-reused"
    assert verified_by_the_library(again)


def test_a_request_signed_before_the_agent_started_is_refused_as_a_replay() -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    assert verify(request, nonces=Nonces(since=time.time() - 2))
    with pytest.raises(SignatureExpired, match="before this agent started"):
        verify(request, nonces=Nonces(since=time.time() + 2))
    assert one_agent(TurnedClock()).nonces.since > 0


async def test_a_refused_request_does_not_use_up_its_nonce(client: httpx.AsyncClient) -> None:
    wrong = MonitorSignature(b"another secret", nonce="nonce-0123456789")
    right = MonitorSignature(SECRET, nonce="nonce-0123456789")
    assert (await client.get("/v2/state", auth=wrong)).status_code == 401
    assert (await client.get("/v2/state", auth=right)).status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "POST"},
        {"path": "/agents/4/v2/deals"},
        {"query": "from=2"},
        {"query": ""},
        {"body": b"{}"},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_an_altered_request_is_refused(changes: dict[str, Any]) -> None:
    url = "http://agent/agents/2/v2/deals?from=1"
    request = signed_by_the_library("GET", url, b"", "nonce-0123456789")
    verify(request)
    with pytest.raises(SignatureInvalid):
        verify(request, **changes)


def test_a_body_that_is_altered_together_with_its_digest_is_refused() -> None:
    request = signed_by_the_library("POST", "http://agent/v2/refresh", b"1", "nonce-0123456789")
    request.headers["content-digest"] = content_digest(b"2")
    with pytest.raises(SignatureInvalid):
        verify(request, body=b"2")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"@query" ', ""),
        (' "content-digest"', ""),
        ('keyid="mt5monitor"', 'keyid="agent"'),
        ('alg="hmac-sha256"', 'alg="rsa-pss-sha512"'),
        ('nonce="nonce-0123456789"', 'nonce="a b c d e f g h"'),
        ('nonce="nonce-0123456789"', 'tag="nonce-0123456789"'),
        ("sig1=", "sig2="),
        ("created=", "created=-"),
    ],
)
def test_a_signature_over_something_else_is_refused(old: str, new: str) -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    given_input = request.headers["signature-input"]
    assert old in given_input
    changed = given_input.replace(old, new)
    request.headers["signature-input"] = changed
    # Signed again, so that only what is covered is wrong and not the signature itself.
    lines = {
        "@method": "GET",
        "@path": "/v2/state",
        "@query": "?",
        "content-digest": request.headers["content-digest"],
    }
    covered = [name for name in lines if f'"{name}"' in changed]
    base = "".join(f'"{name}": {lines[name]}\n' for name in covered)
    base += f'"@signature-params": {changed.partition("=")[2]}'
    request.headers["signature"] = f"sig1=:{signing.signature(SECRET, base)}:"
    with pytest.raises(SignatureInvalid):
        verify(request)


def test_a_header_sent_twice_is_refused() -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    headers = [(name.lower(), value) for name, value in request.headers.raw]
    twice = [*headers, next(item for item in headers if item[0] == b"signature")]
    with pytest.raises(SignatureInvalid):
        verify(request, headers=twice)


@pytest.mark.parametrize("text", ["", "sig1=()", "sig1=:AAAA:", "sig1=(" + '"@method" ' * 99])
def test_garbage_is_refused(text: str) -> None:
    request = signed_by_the_library("GET", "http://agent/v2/state", b"", "nonce-0123456789")
    for name in ("signature", "signature-input"):
        broken = httpx.Request("GET", request.url, headers=request.headers)
        broken.headers[name] = text
        with pytest.raises(SignatureInvalid):
            verify(broken)


async def test_an_agent_without_a_secret_refuses_everything_signed() -> None:
    agent = one_agent(TurnedClock(), secret=None)
    response = await client_of(agent, "both").get("/v2/state", auth=MonitorSignature(SECRET))
    assert response.status_code == 401
    assert "signature" not in response.headers


def test_a_nonce_is_forgotten_after_its_signature_has_expired() -> None:
    nonces = Nonces()
    assert nonces.accept("a", 0)
    assert not nonces.accept("a", NONCE_MEMORY)
    assert nonces.accept("a", NONCE_MEMORY + 1)


def test_a_full_memory_of_nonces_refuses_rather_than_forgets() -> None:
    nonces = Nonces()
    assert all(nonces.accept(str(number), 0) for number in range(MOST_NONCES))
    assert not nonces.accept("one more", 0)
    assert not nonces.accept("0", 0)
    assert nonces.accept("one more", NONCE_MEMORY + 1)


def test_an_answer_without_a_nonce_covers_only_what_is_there() -> None:
    headers = dict(sign_response(SECRET, 401, [(b"content-type", b"x/y")], b"", "", 1))
    assert b"request-nonce" not in headers
    assert headers[b"signature-input"].startswith(
        b'sig1=("@status" "content-digest" "content-type");created=1;keyid="agent"'
    )
    base = (
        f'"@status": 401\n"content-digest": {content_digest(b"")}\n"content-type": x/y\n'
        f'"@signature-params": {headers[b"signature-input"].decode().removeprefix("sig1=")}'
    )
    expected = f"sig1=:{signing.signature(SECRET, base)}:"
    assert headers[b"signature"].decode() == expected
    assert len(base64.b64decode(expected[6:-1])) == 32


def test_a_missing_header_is_named() -> None:
    with pytest.raises(SignatureMissing, match="signature-input"):
        verify_request(
            SECRET,
            method="GET",
            path="/",
            query="",
            headers=[(b"content-digest", b"x"), (b"signature", b"y")],
            body=b"",
            now=0,
            nonces=Nonces(),
        )
