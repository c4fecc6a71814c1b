"""At every beat: who may listen still, who has not read for too long, what was told to nobody."""

import asyncio
import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from channels.db import database_sync_to_async
from django.conf import settings

from accounts.events import publishing
from accounts.events.events import Event
from accounts.events.journals import journals
from accounts.live import beat
from accounts.live.frames import Refused
from accounts.live.versions import Versions
from mt5monitor.clock import Setting

if TYPE_CHECKING:
    from accounts.events.hub import Hub

log = logging.getLogger(__name__)


class Heart:
    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._clock = Setting()
        self._start_anew()

    def _start_anew(self) -> None:
        self._journals = [journal() for journal in journals]
        self._since = datetime.now(UTC)
        self._told = Versions(time.time())
        self._seen: dict[int, float] = {}

    async def run(self) -> None:
        """Beats until cancelled; the hub runs it while somebody listens."""
        self._start_anew()
        while True:
            await asyncio.sleep(settings.LIVE_BEAT_S)
            try:
                await self._beat()
            except Exception:
                log.exception("A beat of the programs failed")

    def was_told(self, event: Event) -> None:
        if event.kind == "account_update":
            at = event.told_at.timestamp()
            for number in event.accounts:
                self._told.accept(number, at)
        for journal in self._journals:
            journal.hear(event)

    async def _beat(self) -> None:
        if self._clock.was_changed():
            # What was told is known by times, which mean nothing across that moment.
            log.warning("The clock was set, so all programs read anew")
            self._start_anew()
            publishing.writer().lose()
        now = time.monotonic()
        for listener in [one for one in self._hub.listeners if one.is_behind(now)]:
            await listener.refuse(Refused(Refused.BEHIND, "Too far behind."))
            self._hub.leave(listener)
        await self._hub.check_rights()
        await self._read()
        if self._hub.ready.is_set():
            await self._read_journals()

    async def _read(self) -> None:
        """What the database says: who was heard; and which accounts changed without an event,
        because whoever changed them died before it was written."""
        now, since = datetime.now(UTC), self._since - beat.LOOK_BACK
        accounts, seen = await database_sync_to_async(_changed)(since)
        self._since = now
        moved = {pk: at for pk, at in seen.items() if self._seen.get(pk) != at}
        self._seen.update(moved)
        for listener in self._hub.listeners:
            listener.hear_seen(now.timestamp(), moved)
        missing = self._told.missing(accounts)
        if missing:
            log.info("%d accounts changed and no event came", len(missing))
            for number in missing:
                self._told.accept(number, accounts[number])
            await database_sync_to_async(publishing.tell)(missing, (), ())

    async def _read_journals(self) -> None:
        """What was told to nobody cannot be told any more in its order: all is read anew."""
        missing = sum([await journal.untold() for journal in self._journals])
        if missing:
            log.warning("%d changes were not told to programs: they read anew", missing)
            publishing.writer().lose()


def _changed(since: datetime) -> tuple[dict[int, float], dict[int, float]]:
    seen, _ = beat.agents_since(since)
    return beat.accounts_since(since), seen
