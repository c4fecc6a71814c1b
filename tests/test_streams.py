"""Server-sent events as an answer; how they travel from a real server is in tests/programs."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.test import AsyncRequestFactory
from pytest_django import Settings

from mt5monitor import streams


class Line:
    def __init__(self, unread: int) -> None:
        self.unread = unread
        self.is_cut = False

    def cut(self) -> None:
        self.is_cut = True


async def three() -> AsyncIterator[bytes]:
    for number in range(3):
        yield streams.event(str(number))


def answered(line: Line, accepts: str = "") -> Any:
    request = AsyncRequestFactory().get("/", headers={"Accept-Encoding": accepts})
    request.scope["line"] = line
    return streams.answer(request, three())


def test_an_event_is_written_as_the_standard_has_it() -> None:
    assert streams.event("a\nb", name="n", mark="7") == b"id: 7\nevent: n\ndata: a\ndata: b\n\n"
    assert streams.event("") == b"data: \n\n"


async def test_each_part_can_be_read_when_it_comes() -> None:
    response = answered(Line(0), "br, gzip")
    assert response.headers["Content-Encoding"] == "gzip"
    unzip = zlib.decompressobj(wbits=31)
    parts = [unzip.decompress(part) async for part in response]
    assert parts[:4] == [streams.RETRY, *(streams.event(str(number)) for number in range(3))]
    assert unzip.eof


async def test_who_does_not_read_is_cut_off(settings: Settings) -> None:
    settings.LIVE_BEHIND_S = 0.05
    line = Line(10**6)
    assert [part async for part in answered(line)] == [streams.RETRY]
    assert line.is_cut


async def test_who_reads_slowly_is_waited_for() -> None:
    line = Line(10**6)
    reading = asyncio.ensure_future(_all(answered(line)))
    await asyncio.sleep(0)
    line.unread = 0
    assert len(await reading) == 4
    assert not line.is_cut


async def _all(response: Any) -> list[bytes]:
    return [part async for part in response]


@pytest.mark.parametrize("header", ["", "gzip;q=0", "gzip; q=0.0", "br", "gzipped"])
async def test_nothing_is_compressed_that_was_not_asked_for(header: str) -> None:
    response = answered(Line(0), header)
    assert response.headers["Content-Encoding"] == "identity"
    assert (await _all(response))[1] == streams.event("0")
