"""Signatures made and verified by an independent implementation of RFC 9421."""

from datetime import UTC, datetime
from typing import Any

import httpx
from http_message_signatures import (
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)

from agent.signing import content_digest
from tests.agent.parts import SECRET

COVERED = ("@method", "@path", "@query", "content-digest")


class Resolver(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id: str) -> bytes:
        return SECRET

    def resolve_private_key(self, key_id: str) -> bytes:
        return SECRET


def signed_by_the_library(method: str, url: str, body: bytes, nonce: str) -> httpx.Request:
    request = httpx.Request(method, url, content=body)
    request.headers["Content-Digest"] = content_digest(body)
    HTTPMessageSigner(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Resolver()).sign(
        request,
        key_id="mt5monitor",
        label="sig1",
        nonce=nonce,
        created=datetime.now(UTC),
        covered_component_ids=COVERED,
        use_existing_digest=True,
    )
    return request


def verified_by_the_library(response: httpx.Response) -> list[Any]:
    return list(
        HTTPMessageVerifier(
            signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Resolver()
        ).verify(response)
    )
