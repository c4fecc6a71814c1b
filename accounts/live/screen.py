"""What browsers have on screen. Those that show the same rows share every text."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec
from django.conf import settings

from accounts.live import frames
from accounts.live.browser import Browser
from accounts.live.pace import Pace


class Shown(NamedTuple):
    page: str
    rows: frozenset[int]
    agents: frozenset[int]


class Screen:
    """One set of rows: the first change goes out at once, later ones a batch apart."""

    def __init__(self, shown: Shown, seq: Callable[[], int]) -> None:
        self.shown = shown
        self.browsers: set[Browser] = set()
        self._seq = seq
        self._rows: dict[int, msgspec.Raw] = {}
        self._agents: dict[int, msgspec.Raw] = {}
        self._pace = Pace(self.flush, settings.LIVE_BATCH_MS / 1000)

    def offer(self, rows: frames.Rows, agents: frames.Rows) -> None:
        """Takes what this screen shows; the last one of a row wins."""
        self._rows.update(_common(self.shown.rows, rows))
        if self.shown.page == "agents":
            self._agents.update(_common(self.shown.agents, agents))
        if self._rows or self._agents:
            self._pace.ask()

    async def flush(self) -> None:
        rows, self._rows = self._rows, {}
        agents, self._agents = self._agents, {}
        if rows or agents:
            for text in frames.rows(self._seq(), rows, agents):
                await self.send(text)

    async def send(self, text: str, beat: int | None = None) -> None:
        message, size = {"type": "websocket.send", "text": text}, len(text)
        for browser in list(self.browsers):
            await browser.pass_on(message, size)
            if beat is not None:
                browser.has_beat(beat)

    def close(self) -> None:
        self._pace.stop()


def _common(shown: frozenset[int], rows: frames.Rows) -> Iterator[tuple[int, msgspec.Raw]]:
    return ((key, rows[key]) for key in shown & rows.keys())


class Screens:
    """All screens of this process, and which of them show a row."""

    def __init__(self, seq: Callable[[], int]) -> None:
        self._seq = seq
        self._screens: dict[Shown, Screen] = {}
        self._by_account: dict[int, set[Screen]] = {}
        self._by_agent: dict[int, set[Screen]] = {}

    def __iter__(self) -> Iterator[Screen]:
        return iter(list(self._screens.values()))

    def put(self, browser: Browser, shown: Shown) -> None:
        self.leave(browser)
        screen = self._screens.get(shown)
        if screen is None:
            screen = self._screens[shown] = Screen(shown, self._seq)
            for index, keys in self._indexes(shown):
                for key in keys:
                    index.setdefault(key, set()).add(screen)
        screen.browsers.add(browser)
        browser.screen = screen

    def leave(self, browser: Browser) -> None:
        screen, browser.screen = browser.screen, None
        if screen is None:
            return
        screen.browsers.discard(browser)
        if screen.browsers:
            return
        screen.close()
        del self._screens[screen.shown]
        for index, keys in self._indexes(screen.shown):
            for key in keys:
                index[key].discard(screen)
                if not index[key]:
                    del index[key]

    def _indexes(self, shown: Shown) -> list[tuple[dict[int, set[Screen]], frozenset[int]]]:
        return [(self._by_account, shown.rows), (self._by_agent, shown.agents)]

    def offer(self, rows: frames.Rows, agents: frames.Rows) -> None:
        touched = {screen for n in rows for screen in self._by_account.get(n, ())}
        touched |= {screen for n in agents for screen in self._by_agent.get(n, ())}
        for screen in touched:
            screen.offer(rows, agents)

    def agents_shown(self, page: str) -> frozenset[int]:
        return _union(s.shown.agents for s in self._screens.values() if s.shown.page == page)


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return frozenset().union(*sets)
