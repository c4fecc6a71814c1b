"""Parts of pages that are drawn again as a whole: totals for each filter, each account's panel."""

import logging
from collections.abc import Callable, Hashable, Iterable
from typing import Any, Generic, TypeVar

from channels.db import database_sync_to_async
from django.core.exceptions import ObjectDoesNotExist

from accounts.live import frames
from accounts.live.browser import Browser
from accounts.live.pace import Pace

log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)


class Drawings(Generic[K]):
    """Draws each key that somebody watches once for all who do, at most every `every` seconds,
    and sends it when its text changed."""

    def __init__(self, kind: str, draw: Callable[[K], str], every: float) -> None:
        self._kind = kind
        self._draw = database_sync_to_async(draw)
        self._pace = Pace(self._redraw, every)
        self._browsers: dict[K, set[Browser]] = {}
        self._texts: dict[K, str] = {}
        self._newcomers: set[Browser] = set()
        self._dirty: set[K] = set()

    def put(self, browser: Browser, key: K) -> None:
        """A newcomer gets the next drawing even if it is the same: its page may be older."""
        self.leave(browser)
        self._browsers.setdefault(key, set()).add(browser)
        self._newcomers.add(browser)
        self.touch([key])

    def leave(self, browser: Browser) -> None:
        self._newcomers.discard(browser)
        for key in [key for key, browsers in self._browsers.items() if browser in browsers]:
            self._browsers[key].discard(browser)
            if not self._browsers[key]:
                del self._browsers[key]
                self._texts.pop(key, None)

    def touch(self, keys: Iterable[K]) -> None:
        """Something that these show has changed."""
        watched = self._browsers.keys() & set(keys)
        if watched:
            self._dirty |= watched
            self._pace.ask()

    def touch_all(self) -> None:
        self.touch(self._browsers)

    def stop(self) -> None:
        self._pace.stop()

    async def _redraw(self) -> None:
        keys, self._dirty = self._dirty & self._browsers.keys(), set()
        for key in keys:
            try:
                html = await self._draw(key)
            except ObjectDoesNotExist:
                continue  # deleted a moment ago, or never there: browsers ask for what they like
            except Exception:
                # The others are drawn all the same.
                log.exception("live: %s %s could not be drawn", self._kind, key)
                continue
            await self._send(key, html)

    async def _send(self, key: K, html: str) -> None:
        browsers = self._browsers.get(key, set())
        told = browsers & self._newcomers if html == self._texts.get(key) else set(browsers)
        self._newcomers -= told
        if browsers:
            self._texts[key] = html
        text = frames.text(self._kind, html=html)
        message: dict[str, Any] = {"type": "websocket.send", "text": text}
        for browser in told:
            await browser.pass_on(message, len(text))
