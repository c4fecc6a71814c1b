"""Reading the body of an answer, bounded before and after decompression."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable

import httpx
import msgspec

from accounts.agents.errors import Malformed, TooLarge, UnexpectedEncoding

IDENTITY = ("", "identity")
WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


class Bound(msgspec.Struct, frozen=True):
    """How long a body may be."""

    limit: int
    setting: str = "AGENT_MAX_BODY_BYTES"
    """What raises it."""

    def exceeded(self) -> TooLarge:
        return TooLarge(
            f"The answer is larger than {self.limit // 1024:,} KB. Check the URL, "
            f"or raise {self.setting} if the agent has so much to say."
        )


async def read_body(
    response: httpx.Response,
    bound: Bound,
    chunks: list[bytes],
    short: int,
    is_long: Callable[[], Awaitable[None]],
) -> bytes:
    """Return the bytes as they were sent, each chunk put into `chunks` as it comes.

    `is_long` is awaited before there are more than `short` bytes. Raise TooLarge as soon as there
    are more than the bound allows.
    """
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > bound.limit):
        raise bound.exceeded()
    size, waited = 0, False
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > bound.limit:
            raise bound.exceeded()
        if size > short and not waited:
            waited = True
            await is_long()
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def is_packed(encoding: str) -> bool:
    return encoding.strip().lower() not in IDENTITY


def decoded(body: bytes, encoding: str, bound: Bound) -> bytes:
    """Return `body` without its Content-Encoding. Never inflates more than the bound allows.

    Raise UnexpectedEncoding for one that we did not ask for and do not know, TooLarge for more
    than the bound allows, Malformed for a damaged body.
    """
    name = encoding.strip().lower()
    if not is_packed(encoding):
        return body
    if name not in WINDOWS:
        raise UnexpectedEncoding(f"The answer is encoded as {name!r}; only plain or gzip will do.")
    window = -15 if name == "deflate" and not _has_zlib_header(body) else WINDOWS[name]
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(body, bound.limit + 1)
    except zlib.error as error:
        raise Malformed(f"The answer's {name} compression is damaged.") from error
    if len(plain) > bound.limit:
        raise bound.exceeded()
    if not inflater.eof or inflater.unused_data:
        raise Malformed(f"The answer's {name} compression is damaged.")
    return plain


def _has_zlib_header(body: bytes) -> bool:
    """Some servers send deflate bare: RFC 9110, 8.4.1.2 notes them."""
    return len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0
