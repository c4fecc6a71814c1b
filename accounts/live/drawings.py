"""Parts of pages that are drawn again as a whole: totals for each filter, each account's panel."""

import logging
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from channels.db import database_sync_to_async
from django.core.exceptions import ObjectDoesNotExist

from accounts.live import frames
from accounts.live.page import Page
from accounts.live.throttle import Throttle

log = logging.getLogger(__name__)
K = TypeVar("K", bound=Hashable)


class Drawings(Generic[K]):
    """Draws each key that a page watches once for all that do, at most every `every` seconds, and
    sends it when its text changed."""

    def __init__(self, kind: str, draw: Callable[[K], str], every: float) -> None:
        self._kind = kind
        self._draw = database_sync_to_async(draw)
        self._throttle = Throttle(self._redraw, every)
        self._pages: dict[K, set[Page]] = {}
        self._texts: dict[K, str] = {}
        self._newcomers: set[Page] = set()
        self._dirty: set[K] = set()

    def put(self, page: Page, key: K) -> None:
        """A newcomer gets the next drawing even if it is the same: it may be older."""
        self.leave(page)
        self._pages.setdefault(key, set()).add(page)
        self._newcomers.add(page)
        self.touch([key])

    def leave(self, page: Page) -> None:
        self._newcomers.discard(page)
        for key in [key for key, pages in self._pages.items() if page in pages]:
            self._pages[key].discard(page)
            if not self._pages[key]:
                del self._pages[key]
                self._texts.pop(key, None)

    def touch(self, keys: Iterable[K]) -> None:
        """Something that these show has changed."""
        watched = self._pages.keys() & set(keys)
        if watched:
            self._dirty |= watched
            self._throttle.ask()

    def touch_all(self) -> None:
        self.touch(self._pages)

    def stop(self) -> None:
        self._throttle.stop()

    async def _redraw(self) -> None:
        keys, self._dirty = self._dirty & self._pages.keys(), set()
        for key in keys:
            try:
                html = await self._draw(key)
            except ObjectDoesNotExist:
                continue  # deleted a moment ago, or never there: pages ask for what they like
            except Exception:
                # The others are drawn all the same.
                log.exception("live: %s %s could not be drawn", self._kind, key)
                continue
            await self._send(key, html)

    async def _send(self, key: K, html: str) -> None:
        pages = self._pages.get(key, set())
        to = pages & self._newcomers if html == self._texts.get(key) else set(pages)
        self._newcomers -= to
        if pages:
            self._texts[key] = html
        text = frames.text(self._kind, html=html)
        for page in to:
            await page.send(text)
