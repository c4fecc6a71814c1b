"""What a hub reads in the stream: events for its backlog, rows for its pages, and for the healer
that they have arrived."""

import logging
from typing import Any

import msgspec
from django.conf import settings

from accounts.live import stream
from accounts.live.events import Backlog, Event, Fields, note_of
from accounts.live.healer import Healer
from accounts.live.message import Forged, Note, unpacked
from accounts.live.pages import Pages
from accounts.live.stream import CLIENTS, PAGES

log = logging.getLogger(__name__)

CHUNK = 500  # entries
ROWS_AT_ONCE = 10  # entries whose rows are read together: each may have MAX_MESSAGE of them

Entries = list[tuple[bytes, Fields]]


class Intake:
    def __init__(self) -> None:
        self.backlog = Backlog()
        self.pages = Pages(self.backlog)
        self.healer = Healer()
        self.announced: set[str] = set()  # audiences that listen here
        self.clients_since = 0.0  # unix seconds; no event of before is missed by an API client
        self._was_forged = False

    def restart(self, epoch: str, seq: int) -> None:
        """Something may be lost before this mark."""
        self.backlog.restart(epoch, seq)
        self.pages.forget_times()
        self.pages.reread()

    async def take(self, valkey: Any, entries: Entries) -> None:
        """Raise ERRORS."""
        for start in range(0, len(entries), ROWS_AT_ONCE):
            part = entries[start : start + ROWS_AT_ONCE]
            rows = await self._rows_of(valkey, part)
            for entry, fields in part:
                if (seq := _seq(entry)) > self.backlog.last:
                    await self._take_one(seq, fields, rows.get(seq))

    async def _rows_of(self, valkey: Any, entries: Entries) -> dict[int, bytes | None]:
        noted = [_seq(entry) for entry, fields in entries if b"note" in fields]
        if not noted or PAGES not in self.announced:
            return {}
        found = await valkey.mget([f"{stream.ROWS}{seq}" for seq in noted])
        return dict(zip(noted, found, strict=True))

    async def _take_one(self, seq: int, fields: Fields, rows: bytes | None) -> None:
        if b"epoch" in fields:
            self.restart(fields[b"epoch"].decode(), seq)
            return
        read = self._read(self.backlog.epoch, seq, fields)
        if read is None:
            self.restart(self.backlog.epoch, seq)
            return
        event, note = read
        if seq != self.backlog.last + 1:
            self.pages.reread()  # entries were dropped before they were read here
        self.backlog.add(event, settings.EVENTS_KEPT)
        if fields.get(b"lapsed") == CLIENTS.encode():
            self.backlog.forget_events(seq)
        if note is not None:
            if note.has_rows or PAGES not in self.announced:
                self.healer.read(note)
            if note.has_rows and PAGES in self.announced:
                await self._show(rows)

    def _read(self, epoch: str, seq: int, fields: Fields) -> tuple[Event, Note | None] | None:
        """None for an entry that is none: it must not end the delivery of all others."""
        try:
            event, note = Event.of(epoch, seq, fields), note_of(fields)
            self.healer.arrived(event)
        except Exception:
            log.exception("live: entry %d of the stream is none", seq)
            return None
        return event, note

    async def _show(self, message: bytes | None) -> None:
        """The rows of the last event; None when they are gone already."""
        try:
            if message is None:
                raise KeyError
            await self.pages.show(unpacked(message))
        except KeyError:
            self.backlog.forget_rows(self.backlog.last)
            self.pages.reread()
        except Forged:
            if not self._was_forged:
                log.error(
                    "Live pages drop messages that another key made: "
                    "compare SECRET_KEY of all hosts, and see who else can write to Valkey."
                )
            self._was_forged = True
        except msgspec.DecodeError:
            log.exception("live: a message that is none")

    async def heal_journals(self) -> None:
        await self.healer.heal_journals(self.clients_since)

    async def read_back(self, valkey: Any, since: int) -> None:
        """What is in the stream of this epoch already: clients that come back ask for it. Raise
        ERRORS."""
        epoch, upto = self.backlog.mark[0], self.backlog.first
        found: list[Event] = []
        after = f"({since}"
        while entries := await valkey.xrange(stream.STREAM, after, f"{upto}", count=CHUNK):
            for entry, fields in entries:
                read = None if b"epoch" in fields else self._read(epoch, _seq(entry), fields)
                if read is None:
                    found.clear()
                else:
                    found.append(read[0])
            after = f"({entries[-1][0].decode()}"
        self.backlog.prepend(found)


def _seq(entry: bytes) -> int:
    return int(entry.split(b"-")[0])
