"""Server-sent events as an answer; how they travel from a real server is in tests/programs."""

import asyncio
import zlib
from collections.abc import AsyncGenerator
from contextlib import aclosing
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


async def three() -> AsyncGenerator[bytes, None]:
    for number in range(3):
        yield streams.event(str(number))


class Endless:
    """What goes on until its reader leaves; and whether it has ended."""

    def __init__(self, news: asyncio.Event | None = None) -> None:
        self.has_ended = False
        self._news = news

    async def told(self) -> AsyncGenerator[bytes, None]:
        try:
            while True:
                yield streams.PING
                if self._news:
                    await self._news.wait()
        finally:
            await asyncio.sleep(0)  # as what has to say goodbye to somebody
            self.has_ended = True


def answered(line: Line, accepts: str = "", told: streams.Told | None = None) -> Any:
    request = AsyncRequestFactory().get("/", headers={"Accept-Encoding": accepts})
    request.scope["line"] = line
    return streams.answer(request, told or three())


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


# --- who leaves ----------------------------------------------------------------------------------
@pytest.mark.parametrize("accepts", ["", "gzip"])
async def test_what_is_told_has_ended_when_its_reader_has_left(accepts: str) -> None:
    endless = Endless()
    # As Django does.
    async with aclosing(aiter(answered(Line(0), accepts, endless.told()))) as content:
        for _ in range(3):
            await anext(content)
    assert endless.has_ended


@pytest.mark.parametrize("unread", [0, 10**6], ids=["while it waits for news", "while it is slow"])
async def test_what_is_told_has_ended_when_its_reader_leaves(unread: int) -> None:
    endless, line = Endless(asyncio.Event()), Line(unread)
    reading = asyncio.ensure_future(_all(answered(line, told=endless.told())))
    await asyncio.sleep(streams.LOOK_AGAIN_S / 2)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert endless.has_ended


async def test_what_nobody_read_of_is_never_begun() -> None:
    endless = Endless()
    async with aclosing(aiter(answered(Line(0), told=endless.told()))):
        pass
    assert not endless.has_ended


async def test_who_is_cut_off_is_told_nothing_more(settings: Settings) -> None:
    settings.LIVE_BEHIND_S = 0.05
    endless = Endless()
    assert len(await _all(answered(Line(10**6), told=endless.told()))) == 1
    assert endless.has_ended


@pytest.mark.parametrize("header", ["", "gzip;q=0", "gzip; q=0.0", "br", "gzipped"])
async def test_nothing_is_compressed_that_was_not_asked_for(header: str) -> None:
    response = answered(Line(0), header)
    assert response.headers["Content-Encoding"] == "identity"
    assert (await _all(response))[1] == streams.event("0")
