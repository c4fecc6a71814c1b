"""The beat: every two seconds each browser hears which of its agents were heard, and that it is
still connected; whoever may not listen any more, or does not keep up, is let go."""

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.fleet import fragments
from accounts.live import frames
from accounts.live.beat import Beats, Reading
from accounts.live.browser import Browser
from accounts.live.frames import Refused
from accounts.models import Account
from mt5monitor.clock import Setting

if TYPE_CHECKING:
    from accounts.live.hub import Hub

log = logging.getLogger(__name__)
AGENTS_PAGE = "agents"


class Heart:
    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._beats = Beats()
        self._seen: dict[int, float] = {}
        self._polls: dict[int, dict[str, Any]] = {}
        self._reading: asyncio.Task[Reading] | None = None
        self._clock = Setting()

    async def run(self) -> None:
        """Beats until cancelled; costs nothing while nobody is connected."""
        try:
            while True:
                await asyncio.sleep(settings.LIVE_BEAT_S)
                await self.beat()
        finally:
            if self._reading is not None:
                self._reading.cancel()

    async def beat(self) -> None:
        """One beat; nothing at all when nobody is connected."""
        try:
            if self._hub.browsers:
                await self._beat()
        except Exception:
            log.exception("live: a beat failed")

    async def _beat(self) -> None:
        if self._clock.was_changed():
            self._hub.forget_times()
        await self._drop_those_behind()
        reading = await self._read()
        await self._refuse(reading)
        moved = _differing(reading.seen, self._seen)
        self._seen.update(moved)
        polls = _differing(reading.polls, self._polls)
        self._polls.update(polls)
        for screen in self._hub.screens:
            await screen.flush()
            text, beat = self._text(screen.shown.page, screen.shown.agents, moved, polls)
            await screen.send(text, beat)
        await self._heal(reading)
        self._hub.totals.touch_all()
        await self._hub.link.check()

    async def greet(self, browser: Browser) -> None:
        """A beat of its own for one that has just said what it shows: all that is known."""
        if browser.screen is not None:
            shown = browser.screen.shown
            text, beat = self._text(shown.page, shown.agents, self._seen, {})
            await browser.send(text)
            browser.has_beat(beat)

    def _text(
        self,
        page: str,
        agents: frozenset[int],
        seen: Mapping[int, float],
        polls: Mapping[int, dict[str, Any]],
    ) -> tuple[str, int]:
        beat = secrets.randbelow(2**31)
        epoch, seq = self._hub.mark
        fields: dict[str, Any] = {"beat": beat, "now": time.time(), "epoch": epoch, "seq": seq}
        fields["seen"] = {pk: seen[pk] for pk in agents & seen.keys()}
        if page == AGENTS_PAGE:
            fields["polls"] = {pk: polls[pk] for pk in agents & polls.keys()}
        return frames.text("beat", **fields), beat

    async def _drop_those_behind(self) -> None:
        now = time.monotonic()
        for browser in [b for b in self._hub.browsers if b.gone or b.is_behind(now)]:
            await self._hub.drop(browser, Refused(Refused.BEHIND, "Too far behind."))

    async def _read(self) -> Reading:
        """What the database says, or nothing when it needs longer than a beat may wait: browsers
        must hear that they are connected."""
        if self._reading is None:
            holders = [browser.holder for browser in self._hub.browsers]
            shown = self._hub.screens.agents_shown(AGENTS_PAGE)
            read = database_sync_to_async(self._beats.read)
            self._reading = asyncio.create_task(read(holders, shown))
        done, _ = await asyncio.wait({self._reading}, timeout=settings.LIVE_BEAT_S / 2)
        if not done:
            return Reading()
        finished, self._reading = self._reading, None
        return finished.result()

    async def _refuse(self, reading: Reading) -> None:
        for browser in list(self._hub.browsers):
            refusal = reading.refused.get(browser.holder)
            shown = browser.screen.shown.page if browser.screen else ""
            if refusal is None and shown == AGENTS_PAGE and not browser.holder.sees_agents:
                refusal = Refused(Refused.FORBIDDEN, "You may not see this page any more.")
            if refusal is not None:
                await self._hub.drop(browser, refusal)

    async def _heal(self, reading: Reading) -> None:
        """Renders here what changed and never arrived: the database is the truth."""
        numbers = self._hub.accounts.missing(reading.accounts)
        agents = self._hub.agents.missing(reading.agents)
        if not numbers and not agents:
            return
        log.info("live: %d rows changed and no message came", len(numbers) + len(agents))
        self._hub.link.suspect()
        at = time.time()
        rows, agent_rows = await database_sync_to_async(_render)(numbers, agents)
        self._hub.deliver(at, rows, agent_rows)


def _render(numbers: set[int], agents: set[int]) -> tuple[dict[int, str], dict[int, str]]:
    if agents:
        numbers |= set(Account.objects.filter(agent__in=agents).values_list("number", flat=True))
    return fragments.account_rows(numbers), fragments.agent_rows(agents)


def _differing(new: Mapping[int, Any], known: Mapping[int, Any]) -> dict[int, Any]:
    return {key: value for key, value in new.items() if known.get(key) != value}
