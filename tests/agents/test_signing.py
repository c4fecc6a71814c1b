"""The signatures of contract 2, held against the library http-message-signatures as oracle."""

import datetime
from types import SimpleNamespace

import httpx
import pytest
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, algorithms
from http_message_signatures.resolvers import HTTPSignatureKeyResolver

from accounts.agents.call import Answer, target
from accounts.agents.errors import BadSignature
from accounts.agents.signing import Signer, content_digest

SECRET = b"a secret of one agent"
NOW = 1_767_225_600


class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return SECRET

    resolve_private_key = resolve_public_key


ORACLE = {"signature_algorithm": algorithms.HMAC_SHA256, "key_resolver": Keys()}


def signer(secret=SECRET, now=NOW, url="http://10.0.0.5:8000/v2/state", body=b""):
    made = Signer(secret, "GET", httpx.URL(url), body=body, now=lambda: now)
    made.headers()
    return made


def answer(nonce, *, status=200, body=b"{}", etag='"v1"', created=NOW, covered=None, **changes):
    """An answer signed by the library, as an agent would."""
    headers = {"Content-Type": "application/json", "Content-Digest": content_digest(body)}
    headers["Request-Nonce"] = nonce
    if etag:
        headers["ETag"] = etag
    items = ["@status", "content-digest", "content-type", "request-nonce"]
    covered = covered or [*items, *(["etag"] if etag else [])]
    message = SimpleNamespace(status_code=status, headers=headers, body=body)
    HTTPMessageSigner(**ORACLE).sign(
        message,
        key_id=changes.pop("key_id", "agent"),
        created=datetime.datetime.fromtimestamp(created, datetime.UTC),
        label="sig1",
        covered_component_ids=covered,
        use_existing_digest=True,
    )
    status = changes.pop("sent_status", status)
    body = changes.pop("sent_body", body)
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return Answer(status, httpx.Headers(headers), body, body)


@pytest.mark.parametrize("path", ["/v2/state", "/v2/deals?from=2026-01-01&to=2026-02-01", "/v2/x?"])
@pytest.mark.parametrize("body", [b"", b'{"kind": "open"}'])
def test_the_library_verifies_what_we_sign(path, body):
    url = target("http://10.0.0.5:9100/agents/17", path)
    headers = dict(Signer(SECRET, "POST", url, body=body).headers())
    message = SimpleNamespace(method="POST", url=str(url), headers=headers)
    (result,) = HTTPMessageVerifier(**ORACLE).verify(
        message,
        require_components=("@method", "@path", "@query", "content-digest"),
        max_age=datetime.timedelta(seconds=30),
        body=body,
    )
    assert result.label == "sig1"
    assert result.parameters["keyid"] == "mt5monitor"
    assert result.parameters["alg"] == "hmac-sha256"
    assert result.covered_components['"@path"'].startswith("/agents/17/v2/")


def test_every_attempt_has_a_nonce_of_its_own():
    one = signer()
    nonces = [one.nonce]
    for _ in range(20):
        one.headers()
        nonces.append(one.nonce)
    assert len(set(nonces)) == 21
    assert all(20 <= len(nonce) <= 64 for nonce in nonces)


@pytest.mark.parametrize("etag", ['"v1"', None])
def test_we_verify_what_the_library_signs(etag):
    one = signer()
    one.verify(answer(one.nonce, etag=etag))


@pytest.mark.parametrize("skew", [-30, 30])
def test_thirty_seconds_of_clock_skew_are_allowed(skew):
    one = signer()
    one.verify(answer(one.nonce, created=NOW + skew))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"created": NOW - 31}, "31 s behind"),
        ({"created": NOW + 3600}, "3600 s ahead"),
        ({"sent_body": b'{"balance": 1}'}, "body of the answer is not the one"),
        ({"sent_status": 201}, "is the secret here the agent's"),
        ({"etag": '"v1"', "ETag": '"v2"'}, "is the secret here the agent's"),
        ({"Content_Type": "text/html"}, "is the secret here the agent's"),
        ({"Content_Digest": content_digest(b"x"), "sent_body": b"x"}, "is the secret here"),
        ({"Signature": "sig1=:AAAA:"}, "is the secret here the agent's"),
        ({"Signature": "sig1=:AA A:"}, "is the secret here the agent's"),
        ({"Signature": "nonsense"}, "is the secret here the agent's"),
        ({"Signature_Input": "nonsense"}, "not written as the contract says"),
        ({"Signature_Input": "sig1=" + "(" * 50_000}, "not written as the contract says"),
        ({"key_id": "mt5monitor"}, "not made as the contract says"),
        ({"covered": ["@status", "content-digest"]}, "does not cover what it must"),
        ({"covered": ["@status", "content-digest", "content-type"]}, "does not cover"),
        (
            {"covered": ["@status", "content-digest", "content-type", "request-nonce"]},
            "does not cover",
        ),
    ],
)
def test_an_answer_that_is_not_as_it_was_signed_is_refused_saying_why(changes, why):
    one = signer()
    with pytest.raises(BadSignature, match=why):
        one.verify(answer(one.nonce, **changes))


def test_an_answer_to_another_request_is_refused():
    one, other = signer(), signer()
    with pytest.raises(BadSignature, match="another request"):
        one.verify(answer(other.nonce))


def test_an_answer_of_an_agent_with_another_secret_is_refused():
    one = signer(secret=b"another secret")
    with pytest.raises(BadSignature, match="is the secret here the agent's"):
        one.verify(answer(one.nonce))


@pytest.mark.parametrize("missing", ["Signature", "Signature-Input"])
def test_an_answer_without_a_signature_is_refused(missing):
    one = signer()
    told = answer(one.nonce)
    del told.headers[missing]
    with pytest.raises(BadSignature, match="not signed"):
        one.verify(told)


@pytest.mark.parametrize("missing", ["Content-Digest", "Request-Nonce"])
def test_an_answer_without_what_a_signature_must_cover_is_refused(missing):
    one = signer()
    told = answer(one.nonce)
    del told.headers[missing]
    with pytest.raises(BadSignature):
        one.verify(told)
