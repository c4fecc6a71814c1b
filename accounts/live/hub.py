"""One hub a web process: takes each message from the layer once and passes it to the browsers
that show its rows.

Continuity is an (epoch, seq) pair: a new epoch whenever something may have been lost, and then
every page reads itself again. A page is marked with the pair before its rows are read; when it
starts to listen it gets exactly what came after its mark.
"""

import asyncio
import logging
import secrets
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Mapping
from typing import Any

import msgspec
from django.conf import settings

from accounts.fleet import fragments
from accounts.live import frames
from accounts.live.access import FORBIDDEN, Pass
from accounts.live.backlog import Backlog
from accounts.live.browser import Browser, Send
from accounts.live.drawings import Drawings
from accounts.live.frames import Refused
from accounts.live.heart import Heart
from accounts.live.link import Link
from accounts.live.message import unpacked
from accounts.live.pace import Pace
from accounts.live.screen import Screens, Shown
from accounts.live.sources import Sources
from accounts.live.versions import Versions

log = logging.getLogger(__name__)

TOTALS_EVERY_S = 1.0
PANELS_EVERY_S = 0.25
REREADS_EVERY_S = 2.0
REREAD_MS_A_BROWSER = 10  # pages that read again together would come as one wave
REREAD_WITHIN_MS = 250, 5000
STOP_AGAIN_S = 0.1


class Hub:
    def __init__(self) -> None:
        now = time.time()
        self.loop = asyncio.get_running_loop()
        self.mark = (secrets.token_hex(8), 0)  # replaced as a whole: read from other threads
        self.browsers: set[Browser] = set()
        self.screens = Screens(lambda: self.mark[1])
        self.totals: Drawings[str] = Drawings("totals", fragments.totals, TOTALS_EVERY_S)
        self.panels: Drawings[int] = Drawings("account", fragments.account_panel, PANELS_EVERY_S)
        self.accounts, self.agents = Versions(now), Versions(now)
        self.link = Link(self.receive, self.break_off)
        self._sources = Sources()
        self._backlog = Backlog(0)
        self._resized_at = 0  # seq with which accounts last came or went
        self._sockets: Counter[int] = Counter()
        self._telling: set[asyncio.Task[None]] = set()
        self._heart = Heart(self)
        self._resized = Pace(self._reread_fleet, REREADS_EVERY_S)
        self._broken = Pace(self._reread_all, REREADS_EVERY_S)
        self._tasks = [self._start(self.link.run()), self._start(self._heart.run())]

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        return self.loop.create_task(work)

    async def stop(self) -> None:
        for part in (self.totals, self.panels, self._resized, self._broken):
            part.stop()
        # Again and again: before Python 3.12 asyncio.wait_for, by which the layer sends, may
        # swallow a cancellation that comes just when it is done.
        while pending := [t for t in (*self._tasks, *self._telling) if not t.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=STOP_AGAIN_S)

    # --- browsers -----------------------------------------------------------------------------
    async def join(self, holder: Pass, send: Send) -> Browser:
        """Raises Refused when the user has too many sockets open in this process."""
        if self._sockets[holder.user_id] >= settings.LIVE_SOCKETS_PER_USER:
            raise Refused(Refused.TOO_MANY, "Too many pages are open.")
        browser = Browser(holder, send)
        self._sockets[holder.user_id] += 1
        self.browsers.add(browser)
        epoch, seq = self.mark
        await browser.send(frames.text("hello", epoch=epoch, seq=seq, now=time.time()))
        return browser

    def leave(self, browser: Browser) -> None:
        """Harmless when it has left already."""
        browser.gone = True
        if browser not in self.browsers:
            return
        self.browsers.discard(browser)
        self._sockets[browser.holder.user_id] -= 1
        for part in (self.screens, self.totals, self.panels):
            part.leave(browser)

    async def drop(self, browser: Browser, refusal: Refused) -> None:
        await browser.close(refusal)
        self.leave(browser)

    async def take(self, browser: Browser, frame: frames.Watch | frames.Ack) -> None:
        """Raises Refused."""
        if isinstance(frame, frames.Ack):
            browser.confirms(frame.beat)
        else:
            await self._watch(browser, frame)

    async def _watch(self, browser: Browser, watch: frames.Watch) -> None:
        if watch.page == "agents" and not browser.holder.sees_agents:
            raise Refused(Refused.FORBIDDEN, FORBIDDEN)
        browser.mark = (watch.epoch, watch.seq)
        self.screens.put(browser, Shown(watch.page, watch.rows, watch.agents))
        self.totals.leave(browser)
        self.panels.leave(browser)
        if watch.page == "fleet":
            self.totals.put(browser, watch.query)
        if watch.page == "account" and watch.account is not None:
            self.panels.put(browser, watch.account)
        await self._catch_up(browser, watch)
        await self._heart.greet(browser)

    async def _catch_up(self, browser: Browser, watch: frames.Watch) -> None:
        epoch, seq = self.mark
        missed = None
        if watch.epoch == epoch:
            agents = watch.agents if watch.page == "agents" else frozenset[int]()
            missed = self._backlog.since(watch.seq, watch.rows, agents)
        if missed is None:
            await browser.send(self._reread_text("behind", 1))
        elif missed.rows or missed.agents:
            for text in frames.rows(seq, missed.rows, missed.agents):
                await browser.send(text)

    # --- what changed -------------------------------------------------------------------------
    def receive(self, packet: object) -> None:
        try:
            message = unpacked(packet)
        except msgspec.ValidationError:
            log.exception("live: a message that is none")
            return
        if not self._sources.follows(message.source, message.seq) or message.reread:
            self.break_off()
        resized = bool(message.added or message.gone)
        self.deliver(message.at, message.rows, message.agents, resized)
        for name in message.notes:
            telling = self._start(self._send_all(frames.text("note", name=name)))
            self._telling.add(telling)
            telling.add_done_callback(self._telling.discard)

    def deliver(
        self, at: float, rows: Mapping[int, str], agents: Mapping[int, str], resized: bool = False
    ) -> None:
        """Rows as read at `at` (unix s). `resized`: accounts came or went."""
        new_rows = _accepted(self.accounts, rows, at)
        new_agents = _accepted(self.agents, agents, at)
        epoch, seq = self.mark
        self.mark = (epoch, seq + 1)
        self._backlog.add(seq + 1, new_rows, new_agents, resized)
        self.screens.offer(new_rows, new_agents)
        self.panels.touch(new_rows)
        self.totals.touch_all()
        if resized:
            self._resized_at = seq + 1
            self._resized.ask()

    def break_off(self) -> None:
        """Something may be lost: from here on a new epoch, and every page reads itself again."""
        _, seq = self.mark
        self.mark = (secrets.token_hex(8), seq)
        self._backlog = Backlog(seq)
        self._broken.ask()

    def forget_times(self) -> None:
        """The wall clock was set: which of two rows is newer cannot be told across that moment."""
        log.warning("live: the clock was set, so all pages are read again")
        now = time.time()
        self.accounts, self.agents = Versions(now), Versions(now)
        self.break_off()

    async def _reread_all(self) -> None:
        await self._tell(self.browsers, "gap")

    async def _reread_fleet(self) -> None:
        """Pages that were read since have the accounts that came already."""
        epoch, needed = self.mark[0], self._resized_at
        fleet = (screen.browsers for screen in self.screens if screen.shown.page != "account")
        everyone = [browser for browsers in fleet for browser in browsers]
        old = [b for b in everyone if b.mark[0] != epoch or b.mark[1] < needed]
        await self._tell(old, "added")

    async def _send_all(self, text: str) -> None:
        for browser in list(self.browsers):
            await browser.send(text)

    async def _tell(self, browsers: Iterable[Browser], reason: str) -> None:
        told = list(browsers)
        text = self._reread_text(reason, len(told))
        for browser in told:
            await browser.send(text)

    def _reread_text(self, reason: str, browsers: int) -> str:
        least, most = REREAD_WITHIN_MS
        within = min(most, max(least, browsers * REREAD_MS_A_BROWSER))
        return frames.text("reread", reason=reason, within_ms=within)


def _accepted(versions: Versions, rows: Mapping[int, str], at: float) -> dict[int, msgspec.Raw]:
    """Encoded once, however many browsers get them."""
    return {key: frames.json_string(html) for key, html in rows.items() if versions.accept(key, at)}
