"""The open pages of this process: what each shows, and what they are sent.

A page is marked with (epoch, seq) before its rows are read; when it begins to listen it gets
exactly what came after its mark, or is told to read itself again.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from channels.db import database_sync_to_async

from accounts.fleet import fragments
from accounts.live import changes, frames
from accounts.live.access import FORBIDDEN_PAGE
from accounts.live.changes import Batch
from accounts.live.drawings import Drawings
from accounts.live.events import Backlog, Delivered, Html
from accounts.live.frames import Ack, Refused, Watch
from accounts.live.message import Rows
from accounts.live.page import AGENTS, Page, Shown
from accounts.live.screen import Screens
from accounts.live.stream import Audiences
from accounts.live.throttle import Throttle
from accounts.live.versions import Versions

TOTALS_EVERY_S = 1.0
PANELS_EVERY_S = 0.25
REREADS_EVERY_S = 2.0
REREAD_MS_A_PAGE = 10  # pages that read again together would come as one wave
REREAD_WITHIN_MS = 250, 5000

Polls = Mapping[int, dict[str, Any]]


class Pages:
    def __init__(self, backlog: Backlog) -> None:
        self.open: set[Page] = set()
        self.screens = Screens(lambda: backlog.last)
        self.totals: Drawings[str] = Drawings("totals", _totals, TOTALS_EVERY_S)
        self.panels: Drawings[int] = Drawings("account", _panel, PANELS_EVERY_S)
        self._backlog = backlog
        self._resized_at = 0  # seq with which accounts last came or went
        self._resized = Throttle(self._reread_fleet, REREADS_EVERY_S)
        self._broken = Throttle(self._reread_old, REREADS_EVERY_S)
        self._changed = Batch()  # while Valkey is away
        self._unsent = Throttle(self._show_unsent, 0)
        self.seen: dict[int, float] = {}  # agents, unix seconds
        self._polls: dict[int, dict[str, Any]] = {}
        self.forget_times()

    def forget_times(self) -> None:
        """Which of two rows is newer is not known across this moment."""
        now = time.time()
        self._accounts, self._agents = Versions(now), Versions(now)

    def stop(self) -> None:
        for part in (self.totals, self.panels, self._resized, self._broken, self._unsent):
            part.stop()

    def leave(self, page: Page) -> None:
        page.gone = True
        self.open.discard(page)
        for part in (self.screens, self.totals, self.panels):
            part.leave(page)

    # --- what pages say -----------------------------------------------------------------------
    async def take(self, page: Page, frame: Watch | Ack) -> None:
        """Raise Refused."""
        if isinstance(frame, Ack):
            page.confirm(frame.beat)
        else:
            await self._watch(page, frame)

    async def _watch(self, page: Page, watch: Watch) -> None:
        if watch.page == AGENTS and not page.sees_agents:
            raise Refused(Refused.FORBIDDEN, FORBIDDEN_PAGE)
        page.mark = (watch.epoch, watch.seq)
        shown = Shown(watch.page, watch.rows, watch.agents)
        self.screens.put(page, shown)
        self.totals.leave(page)
        self.panels.leave(page)
        if watch.page == "fleet":
            self.totals.put(page, watch.query)
        if watch.page == "account" and watch.account is not None:
            self.panels.put(page, watch.account)
        await self._catch_up(page, shown)
        text, beat = self._beat_text(shown, self.seen, {})
        await page.send(text, beat)

    async def _catch_up(self, page: Page, shown: Shown) -> None:
        if not self._backlog.epoch:
            return  # Valkey is away; when it is back `reread` finds this page
        missed = self._backlog.rows_since(*page.mark, shown.rows, shown.agent_rows)
        if missed is None:
            await page.send(self._reread_text("behind", 1))
        elif missed.rows or missed.agents:
            for text in frames.rows(self._backlog.last, missed.rows, missed.agents):
                await page.send(text)

    # --- what pages are sent ------------------------------------------------------------------
    async def show(self, rows: Rows) -> None:
        """What the last event of the backlog has changed."""
        self._backlog.deliver(self._offer(rows))
        if rows.is_resize:
            self._resized_at = self._backlog.last
            self._resized.ask()
        for name in rows.notes:
            await self._send(self.open, frames.text("note", name=name))

    def show_changed(self, accounts: set[int], agents: set[int]) -> None:
        """Show what the database says of these, of which no event can come: Valkey is away. When it
        is back, every page reads itself again."""
        self._changed.add(Batch(accounts=accounts, agents=agents))
        if self._changed:
            self._unsent.ask()

    async def _show_unsent(self) -> None:
        batch, self._changed = self._changed, Batch()
        to = Audiences(pages=True, clients=False, at=time.time())
        for part in await database_sync_to_async(changes.read)(batch, to):
            if part.rows is not None:
                self._offer(part.rows)

    def _offer(self, rows: Rows) -> Delivered:
        """Return those that no newer ones were shown of."""
        new = Delivered(
            _accepted(self._accounts, rows.rows, rows.at),
            _accepted(self._agents, rows.agents, rows.at),
            rows.is_resize,
        )
        self.screens.offer(new.rows, new.agents)
        self.panels.touch(new.rows)
        self.totals.touch_all()
        return new

    def reread(self) -> None:
        """Something may be lost: pages that were read before it read themselves again."""
        self._broken.ask()

    async def beat(
        self, seen: Mapping[int, float], polls: Polls, *, draws: bool
    ) -> dict[int, float]:
        """The heartbeat: each page hears which of its agents were seen, and that it is still
        connected. Return those that were seen since the last one. `draws`: totals are drawn again
        as well."""
        moved, polled = _differing(seen, self.seen), _differing(polls, self._polls)
        self.seen.update(moved)
        self._polls.update(polled)
        for screen in self.screens:
            await screen.flush()
            await screen.send(*self._beat_text(screen.shown, moved, polled))
        if draws:
            self.totals.touch_all()
        return moved

    def _beat_text(self, shown: Shown, seen: Mapping[int, float], polls: Polls) -> tuple[str, int]:
        beat = secrets.randbelow(2**31)
        epoch, seq = self._backlog.mark
        fields: dict[str, Any] = {"beat": beat, "now": time.time(), "epoch": epoch, "seq": seq}
        fields["seen"] = {pk: seen[pk] for pk in shown.agents & seen.keys()}
        if shown.page == AGENTS:
            fields["polls"] = {pk: polls[pk] for pk in shown.agents & polls.keys()}
        return frames.text("beat", **fields), beat

    # --- reading again ------------------------------------------------------------------------
    async def _reread_old(self) -> None:
        old = [page for page in self._watching() if not self._backlog.has_rows(*page.mark)]
        await self._send(old, self._reread_text("gap", len(old)))

    async def _reread_fleet(self) -> None:
        """Pages that were read since have the accounts that came already."""
        epoch, needed = self._backlog.epoch, self._resized_at
        shown = [page for page in self._watching() if page.shown and page.shown.page != "account"]
        old = [page for page in shown if page.mark[0] != epoch or page.mark[1] < needed]
        await self._send(old, self._reread_text("added", len(old)))

    def _watching(self) -> Iterator[Page]:
        return (page for screen in self.screens for page in screen.pages)

    async def _send(self, pages: Iterable[Page], text: str) -> None:
        for page in list(pages):
            await page.send(text)

    def _reread_text(self, reason: str, pages: int) -> str:
        least, most = REREAD_WITHIN_MS
        within = min(most, max(least, pages * REREAD_MS_A_PAGE))
        return frames.text("reread", reason=reason, within_ms=within)


def _totals(query: str) -> str:
    return fragments.totals(query)


def _panel(row: int) -> str:
    return fragments.account_panel(row)


def _accepted(versions: Versions, rows: Mapping[int, str], at: float) -> Html:
    """Encoded once, however many pages get them."""
    return {key: frames.json_string(html) for key, html in rows.items() if versions.accept(key, at)}


def _differing(new: Mapping[int, Any], known: Mapping[int, Any]) -> dict[int, Any]:
    return {key: value for key, value in new.items() if known.get(key) != value}
