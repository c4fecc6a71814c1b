"""What pages have on screen. Those that show the same rows share every text."""

from collections.abc import Callable, Iterator

import msgspec
from django.conf import settings

from accounts.live import frames
from accounts.live.page import Page, Shown
from accounts.live.throttle import Throttle


class Screen:
    """One set of rows: the first change goes out at once, later ones a batch apart."""

    def __init__(self, shown: Shown, seq: Callable[[], int]) -> None:
        self.shown = shown
        self.pages: set[Page] = set()
        self._seq = seq
        self._rows: dict[int, msgspec.Raw] = {}
        self._agents: dict[int, msgspec.Raw] = {}
        self._throttle = Throttle(self.flush, settings.LIVE_BATCH_MS / 1000)

    def offer(self, rows: frames.Rows, agents: frames.Rows) -> None:
        """Take what this screen shows; the last one of a row wins."""
        self._rows.update(_common(self.shown.rows, rows))
        self._agents.update(_common(self.shown.agent_rows, agents))
        if self._rows or self._agents:
            self._throttle.ask()

    async def flush(self) -> None:
        rows, self._rows = self._rows, {}
        agents, self._agents = self._agents, {}
        if rows or agents:
            for text in frames.rows(self._seq(), rows, agents):
                await self.send(text)

    async def send(self, text: str, beat: int | None = None) -> None:
        for page in list(self.pages):
            await page.send(text, beat)

    def close(self) -> None:
        self._throttle.stop()


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

    def put(self, page: Page, shown: Shown) -> None:
        self.leave(page)
        screen = self._screens.get(shown)
        if screen is None:
            screen = self._screens[shown] = Screen(shown, self._seq)
            for index, keys in self._indexes(shown):
                for key in keys:
                    index.setdefault(key, set()).add(screen)
        screen.pages.add(page)
        page.shown = shown

    def leave(self, page: Page) -> None:
        shown, page.shown = page.shown, None
        if shown is None:
            return
        screen = self._screens[shown]
        screen.pages.discard(page)
        if screen.pages:
            return
        screen.close()
        del self._screens[shown]
        for index, keys in self._indexes(shown):
            for key in keys:
                index[key].discard(screen)
                if not index[key]:
                    del index[key]

    def _indexes(self, shown: Shown) -> list[tuple[dict[int, set[Screen]], frozenset[int]]]:
        return [(self._by_account, shown.rows), (self._by_agent, shown.agent_rows)]

    def offer(self, rows: frames.Rows, agents: frames.Rows) -> None:
        touched = {screen for n in rows for screen in self._by_account.get(n, ())}
        touched |= {screen for n in agents for screen in self._by_agent.get(n, ())}
        for screen in touched:
            screen.offer(rows, agents)

    def agents_shown(self) -> frozenset[int]:
        """Return the agents on the pages that show their rows."""
        return frozenset().union(*(shown.agent_rows for shown in self._screens))
