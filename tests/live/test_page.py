import time
from typing import Any

import pytest
from pytest_django import Settings

from accounts.live.access import Viewer
from accounts.live.frames import Refused
from accounts.live.page import FRAMES_AT_ONCE, Page


async def nowhere(_: dict[str, Any]) -> None:
    pass


@pytest.fixture
def page() -> Page:
    return Page(Viewer(1, "s"), nowhere)


async def test_a_page_that_confirms_its_beats_keeps_up(page: Page, settings: Settings) -> None:
    settings.LIVE_BEHIND_S = 10
    await page.send("beat", 5)
    later = time.monotonic() + 11
    assert page.is_behind(later)
    page.confirm(5)
    assert not page.is_behind(later)


async def test_more_unread_bytes_than_allowed_is_behind(page: Page, settings: Settings) -> None:
    settings.LIVE_UNREAD_BYTES = 1000
    await page.send("beat", 1)
    await page.send("x" * 1100)
    assert page.is_behind(time.monotonic())
    page.confirm(1)
    assert not page.is_behind(time.monotonic())


async def test_a_later_beat_confirms_the_earlier_ones_and_none_twice(page: Page) -> None:
    for beat in (3, 1, 2):
        await page.send("beat", beat)
    page.confirm(1)
    page.confirm(2)
    with pytest.raises(Refused):
        page.confirm(2)


async def test_a_beat_that_was_not_sent_cannot_be_confirmed(page: Page) -> None:
    await page.send("beat", 1)
    with pytest.raises(Refused):
        page.confirm(99)
    assert page.is_behind(time.monotonic() + 1000)


def test_a_flood_of_frames_is_refused(page: Page) -> None:
    def speak() -> None:
        for _ in range(FRAMES_AT_ONCE * 2):
            page.may_speak()

    with pytest.raises(Refused) as refusal:
        speak()
    assert refusal.value.code == Refused.TOO_MANY


async def test_a_connection_that_fails_is_sent_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []

    async def broken(message: dict[str, Any]) -> None:
        tries.append(message)
        raise RuntimeError("connection lost")

    page = Page(Viewer(1, "s"), broken)
    await page.send("a")
    await page.send("b")
    assert len(tries) == 1
    assert page.gone
    assert "connection lost" in caplog.text
