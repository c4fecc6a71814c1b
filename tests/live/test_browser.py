import time
from typing import Any

import pytest
from pytest_django import Settings

from accounts.live.access import Pass
from accounts.live.browser import FRAMES_AT_ONCE, Browser
from accounts.live.frames import Refused


async def nowhere(_: dict[str, Any]) -> None:
    pass


@pytest.fixture
def browser() -> Browser:
    return Browser(Pass(user_id=1, session_key="s"), nowhere)


def test_a_browser_that_confirms_its_beats_keeps_up(browser: Browser, settings: Settings) -> None:
    settings.LIVE_BEHIND_S = 10
    browser.has_beat(5)
    later = time.monotonic() + 11
    assert browser.is_behind(later)
    browser.confirms(5)
    assert not browser.is_behind(later)


async def test_more_unread_bytes_than_allowed_is_behind(
    browser: Browser, settings: Settings
) -> None:
    settings.LIVE_UNREAD_BYTES = 1000
    browser.has_beat(1)
    await browser.send("x" * 1100)
    assert browser.is_behind(time.monotonic())
    browser.confirms(1)
    assert not browser.is_behind(time.monotonic())


def test_a_later_beat_confirms_the_earlier_ones_and_none_twice(browser: Browser) -> None:
    for beat in (3, 1, 2):
        browser.has_beat(beat)
    browser.confirms(1)
    browser.confirms(2)
    with pytest.raises(Refused):
        browser.confirms(2)


def test_a_beat_that_was_not_sent_cannot_be_confirmed(browser: Browser) -> None:
    browser.has_beat(1)
    with pytest.raises(Refused):
        browser.confirms(99)
    assert browser.is_behind(time.monotonic() + 1000)


def test_a_flood_of_frames_is_refused(browser: Browser) -> None:
    for _ in range(FRAMES_AT_ONCE):
        browser.may_speak()
    browser._allowance._left = 0
    with pytest.raises(Refused) as refusal:
        browser.may_speak()
    assert refusal.value.code == Refused.TOO_MANY


async def test_a_connection_that_fails_is_sent_nothing_more(
    caplog: pytest.LogCaptureFixture,
) -> None:
    tries = []

    async def broken(message: dict[str, Any]) -> None:
        tries.append(message)
        raise RuntimeError("connection lost")

    browser = Browser(Pass(user_id=1, session_key="s"), broken)
    await browser.send("a")
    await browser.send("b")
    assert len(tries) == 1
    assert browser.gone
    assert "connection lost" in caplog.text
