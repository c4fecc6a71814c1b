"""What the database says at each heartbeat: which agents were seen, what changed. Read in one step
on a thread, for all listeners of the process together.
"""

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.db.models import Q

from accounts import poll_log
from accounts.models import Account, Agent

# Rows are stamped before their transaction commits, so they may appear a while after their time.
LOOK_BACK = timedelta(seconds=10)


@dataclass
class Reading:
    """All times are unix seconds."""

    seen: dict[int, float]  # agents, and when they were seen last
    accounts: dict[int, float]  # by number: when they changed
    agents: dict[int, float]  # agents whose status changed
    polls: dict[int, dict[str, Any]]


class Readings:
    """Remembers up to when it has read."""

    def __init__(self) -> None:
        self._task: asyncio.Task[Reading] | None = None
        self.forget()

    def forget(self) -> None:
        """From now on; what is being read still counts."""
        self._since = datetime.now(UTC)

    async def next(self, agents_shown: frozenset[int]) -> Reading | None:
        """Return what the database says; None when it needs longer than a heartbeat can wait:
        pages must hear that they are connected. A later heartbeat gets what it answers."""
        if self._task is None:
            read = database_sync_to_async(self.read)
            self._task = asyncio.create_task(read(agents_shown))
        done, _ = await asyncio.wait({self._task}, timeout=settings.LIVE_BEAT_S / 2)
        if not done:
            return None
        finished, self._task = self._task, None
        return finished.result()

    def read(self, agents_shown: frozenset[int]) -> Reading:
        """`agents_shown`: those whose polls are wanted too, for one query more."""
        now, before = datetime.now(UTC), self._since
        since = before - LOOK_BACK
        accounts = _accounts_since(since)
        seen, changed = _agents_since(since)
        polls = _polls(agents_shown) if agents_shown else {}
        if self._since is before:  # the clock was not set meanwhile
            self._since = now
        return Reading(seen, accounts, changed, polls)


def _accounts_since(since: datetime) -> dict[int, float]:
    found: dict[int, float] = {}
    changed = Account.objects.filter(Q(changed_at__gt=since) | Q(edited_at__gt=since))
    for number, *times in changed.values_list("number", "changed_at", "edited_at"):
        latest = max(at.timestamp() for at in times if at is not None)
        found[number] = max(latest, found.get(number, 0.0))  # several may share it
    return found


def _agents_since(since: datetime) -> tuple[dict[int, float], dict[int, float]]:
    moved = Agent.objects.filter(Q(last_seen_at__gt=since) | Q(status_since__gt=since))
    seen, changed = {}, {}
    for pk, last_seen_at, status_since in moved.values_list("id", "last_seen_at", "status_since"):
        if last_seen_at is not None:
            seen[pk] = last_seen_at.timestamp()
        if status_since > since:
            changed[pk] = status_since.timestamp()
    return seen, changed


def _polls(ids: frozenset[int]) -> dict[int, dict[str, Any]]:
    """`next` in unix seconds, None for an agent that is not polled. Pages name agents as they
    like: of which there are none, nothing is asked."""
    every = Agent.objects.values_list("id", "enabled", "next_poll_at")
    rows = [row for row in every if row[0] in ids]
    latest = poll_log.latest(row[0] for row in rows)
    return {
        pk: {
            "latency_ms": latest[pk].latency_ms if pk in latest else None,
            "next": next_poll_at.timestamp() if enabled else None,
        }
        for pk, enabled, next_poll_at in rows
    }
