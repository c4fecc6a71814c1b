"""Open positions as server-sent events: those of each account that changed, as they are now."""

import asyncio
from collections import defaultdict

from channels.db import database_sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.events.feed import Feed, stream_of
from accounts.live.access import Viewer
from accounts.live.current import current
from accounts.live.events import Event
from accounts.models import Account
from accounts.payloads import json_of
from trading.api.positions import held

REMEMBERED = 5000  # accounts


class Positions(Feed):
    """Read once for all who follow in this process: what was read after an account changed last is
    what all of them are told."""

    needs = "account_update"

    def __init__(self) -> None:
        # By number: epoch and seq when it was read, and the JSON of each account that has it.
        self._known: dict[int, tuple[str, int, list[str]]] = {}
        self._reading = asyncio.Lock()

    async def made_of(self, events: list[Event], viewer: Viewer) -> list[tuple[str, str]]:
        changed = {
            number: event
            for event in events
            if event.kind == "account_update"
            for number in event.accounts
        }
        async with self._reading:
            old = [number for number, event in changed.items() if not self._is_known(number, event)]
            if old:
                await self._read(old)
        known = (self._known[number][2] for number in changed if number in self._known)
        return [("positions", text) for texts in known for text in texts]

    def _is_known(self, number: int, event: Event) -> bool:
        epoch, seq, _ = self._known.get(number, ("", 0, []))
        return epoch == event.epoch and seq >= event.seq

    async def _read(self, numbers: list[int]) -> None:
        hub = current()
        epoch, seq = hub.backlog.mark
        # On the hub's thread: on one of its own each stream would keep one.
        texts = await hub.start(database_sync_to_async(_texts)(numbers))
        if len(self._known) > REMEMBERED:
            self._known.clear()
        for number in numbers:
            self._known.pop(number, None)
        mark = {"epoch": epoch, "seq": seq}
        for number, held_there in texts.items():
            told = [json_of(mark | fields) for fields in held_there]
            self._known[number] = (epoch, seq, told)


def _texts(numbers: list[int]) -> dict[int, list[dict[str, object]]]:
    now = timezone.now()
    texts: dict[int, list[dict[str, object]]] = defaultdict(list)
    for row in Account.objects.filter(number__in=numbers).prefetch_related("positions"):
        texts[row.number].append(held(row) | {"timestamp": now})
    return texts


_feeds: dict[asyncio.AbstractEventLoop, Positions] = {}


@login_not_required  # a program is told 401, not where to sign in
@require_GET
async def positions(request: HttpRequest) -> HttpResponseBase:
    return await stream_of(request, _positions())


def _positions() -> Positions:
    """The one of this loop."""
    running = asyncio.get_running_loop()
    if running not in _feeds:
        _feeds.clear()
        _feeds[running] = Positions()
    return _feeds[running]
