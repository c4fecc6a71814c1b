"""HTTP Message Signatures (RFC 9421) with hmac-sha256, for contract 2: requests are signed and
answers verified, with one secret an agent.

Only the one shape that the contract knows is read and written. The library
http-message-signatures does the same in 520 us for a request and its answer, this in 23 us; the
tests use it as the oracle.
"""

from __future__ import annotations

import binascii
import hmac
import re
import secrets
import time
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256

import httpx

from accounts.agents.call import Answer, Headers
from accounts.agents.errors import BadSignature

CLOCK_SKEW = 30
REQUEST_ITEMS = '("@method" "@path" "@query" "content-digest")'
ANSWER_ITEMS = ("@status", "content-digest")
ANSWER_ITEMS_IF_PRESENT = ("content-type", "request-nonce", "etag")
PARAMETERS = {"keyid": '"agent"', "alg": '"hmac-sha256"'}

_INPUT = re.compile(r'sig1=(\(([a-z@" -]*)\)((?:;[a-z]+=(?:[0-9]{1,12}|"[!#-\[\]-~]*"))*))')
_SIGNATURE = re.compile(r"sig1=:([A-Za-z0-9+/=]*):")


def content_digest(body: bytes) -> str:
    """The value of Content-Digest, RFC 9530."""
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


NO_CONTENT = content_digest(b"")


class Signer:
    """Signs one request, anew at each attempt, and verifies the answer to the last of them."""

    def __init__(
        self,
        secret: bytes,
        method: str,
        url: httpx.URL,
        *,
        body: bytes = b"",
        now: Callable[[], float] = time.time,
    ) -> None:
        self._secret = secret
        self._now = now
        path, _, query = url.raw_path.decode("ascii").partition("?")
        self._digest = content_digest(body) if body else NO_CONTENT
        self._target = (
            f'"@method": {method}\n"@path": {path}\n"@query": ?{query}\n'
            f'"content-digest": {self._digest}\n'
        )
        self.nonce = ""

    def headers(self) -> Headers:
        self.nonce = secrets.token_urlsafe(18)
        params = (
            f'{REQUEST_ITEMS};created={int(self._now())};keyid="mt5monitor"'
            f';alg="hmac-sha256";nonce="{self.nonce}"'
        )
        signature = self._mac(f'{self._target}"@signature-params": {params}')
        return (
            ("Content-Digest", self._digest),
            ("Signature-Input", f"sig1={params}"),
            ("Signature", f"sig1=:{b64encode(signature).decode()}:"),
        )

    def verify(self, answer: Answer) -> None:
        """Raise BadSignature unless `answer` is the agent's, whole, fresh, and to our request."""
        headers = answer.headers
        if not is_signed(answer):
            raise BadSignature(
                "The answer is not signed: a proxy answered, or the agent has no secret set."
            )
        params, items, created = _parameters(headers["signature-input"])
        wanted = [name for name in ANSWER_ITEMS_IF_PRESENT if name in headers]
        if items != [*ANSWER_ITEMS, *wanted] or "request-nonce" not in wanted:
            raise BadSignature("The signature of the answer does not cover what it must.")
        self._check_mac(answer, items, params)
        if headers["request-nonce"] != self.nonce:
            raise BadSignature("The answer belongs to another request: replayed, or mixed up.")
        if headers["content-digest"] != content_digest(answer.raw):
            raise BadSignature("The body of the answer is not the one that was signed.")
        if (skew := created - self._now()) > CLOCK_SKEW or skew < -CLOCK_SKEW:
            raise BadSignature(
                f"The agent's clock is {abs(skew):.0f} s {'ahead' if skew > 0 else 'behind'}: "
                f"{CLOCK_SKEW} s are allowed. Set the clock of one of the two machines."
            )

    def _check_mac(self, answer: Answer, items: list[str], params: str) -> None:
        values = (str(answer.status), *(answer.headers.get(name, "") for name in items[1:]))
        lines = [f'"{name}": {value.strip()}' for name, value in zip(items, values, strict=True)]
        lines.append(f'"@signature-params": {params}')
        match = _SIGNATURE.fullmatch(answer.headers["signature"])
        try:
            told = b64decode(match[1], validate=True) if match else b""
        except binascii.Error:
            told = b""
        if not hmac.compare_digest(told, self._mac("\n".join(lines))):
            raise BadSignature(
                "The signature of the answer does not fit: is the secret here the agent's?"
            )

    def _mac(self, base: str) -> bytes:
        return hmac.digest(self._secret, base.encode(), "sha256")


def is_signed(answer: Answer) -> bool:
    return "signature" in answer.headers and "signature-input" in answer.headers


def _parameters(value: str) -> tuple[str, list[str], int]:
    """The signature parameters as they were signed, the items covered and the time. Raise."""
    match = _INPUT.fullmatch(value)
    if match is None:
        raise BadSignature("The signature of the answer is not written as the contract says.")
    given = dict(part.split("=", 1) for part in match[3].split(";")[1:])
    created = given.get("created", "")
    if not created.isdecimal() or any(given.get(key) != want for key, want in PARAMETERS.items()):
        raise BadSignature("The signature of the answer is not made as the contract says.")
    return match[1], [item.strip('"') for item in match[2].split(" ")], int(created)
