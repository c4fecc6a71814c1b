"""Reading the body of an answer, bounded before and after decompression."""

from __future__ import annotations

import zlib

import httpx

from accounts.agents.errors import Malformed, TooLarge, UnexpectedEncoding

IDENTITY = ("", "identity")
WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}


async def read_body(response: httpx.Response, limit: int, chunks: list[bytes]) -> bytes:
    """The bytes as they were sent, each chunk put into `chunks` as it comes. Raise TooLarge as soon
    as there are more than `limit`."""
    declared = response.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 15 or int(declared) > limit):
        raise _too_large(limit)
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """`body` without its Content-Encoding. Never inflates more than `limit` bytes.

    Raise UnexpectedEncoding for one that we did not ask for and do not know, TooLarge for more
    than `limit`, Malformed for a damaged body.
    """
    name = encoding.strip().lower()
    if name in IDENTITY:
        return body
    if name not in WINDOWS:
        raise UnexpectedEncoding(f"The answer is encoded as {name!r}; only plain or gzip will do.")
    window = -15 if name == "deflate" and not _has_zlib_header(body) else WINDOWS[name]
    inflater = zlib.decompressobj(window)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise Malformed(f"The answer's {name} compression is damaged.") from error
    if len(plain) > limit:
        raise _too_large(limit)
    if not inflater.eof or inflater.unused_data:
        raise Malformed(f"The answer's {name} compression is damaged.")
    return plain


def _has_zlib_header(body: bytes) -> bool:
    """Some servers send deflate bare: RFC 9110, 8.4.1.2 notes them."""
    return len(body) > 1 and body[0] & 0x0F == 8 and int.from_bytes(body[:2], "big") % 31 == 0


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The answer is larger than {limit // 1024} KB: is the URL an agent's?")
