"""What the database says at each beat: who was heard, what changed, who may still listen.

Five queries for all sockets of the process together, in one step on a thread; one more while
somebody looks at the agents' page, and none at all while nobody is connected.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from accounts import poll_log
from accounts.live.access import Pass, check
from accounts.live.frames import Refused
from accounts.models import Account, Agent

# Rows are stamped before their transaction commits, so they may appear a while after their time.
LOOK_BACK = timedelta(seconds=10)


@dataclass
class Reading:
    """All times are unix seconds."""

    refused: dict[Pass, Refused] = field(default_factory=dict)
    seen: dict[int, float] = field(default_factory=dict)  # agents heard, and when
    accounts: dict[int, float] = field(default_factory=dict)  # by Account.row: when they changed
    agents: dict[int, float] = field(default_factory=dict)  # agents whose status changed
    polls: dict[int, dict[str, Any]] = field(default_factory=dict)


class Beats:
    """Remembers up to when it has read."""

    def __init__(self) -> None:
        self._since = datetime.now(UTC)

    def read(self, holders: Iterable[Pass], agents_shown: frozenset[int]) -> Reading:
        """`agents_shown`: those on agents' pages, where polls are told too."""
        now, since = datetime.now(UTC), self._since - LOOK_BACK
        reading = Reading(refused=check(holders), accounts=accounts_since(since))
        reading.seen, reading.agents = agents_since(since)
        if agents_shown:
            reading.polls = _polls(agents_shown)
        self._since = now
        return reading


def accounts_since(since: datetime) -> dict[int, float]:
    changed = Account.objects.filter(Q(changed_at__gt=since) | Q(edited_at__gt=since))
    rows = changed.only("number", "shares_number", "changed_at", "edited_at")
    return {
        one.row: max(at.timestamp() for at in (one.changed_at, one.edited_at) if at is not None)
        for one in rows
    }


def agents_since(since: datetime) -> tuple[dict[int, float], dict[int, float]]:
    moved = Agent.objects.filter(Q(last_seen_at__gt=since) | Q(status_since__gt=since))
    seen, changed = {}, {}
    for pk, last_seen_at, status_since in moved.values_list("id", "last_seen_at", "status_since"):
        if last_seen_at is not None:
            seen[pk] = last_seen_at.timestamp()
        if status_since > since:
            changed[pk] = status_since.timestamp()
    return seen, changed


def _polls(ids: frozenset[int]) -> dict[int, dict[str, Any]]:
    """`next` in unix seconds, None for an agent that is not polled."""
    latest = poll_log.latest(ids)
    rows = Agent.objects.filter(pk__in=ids).values_list("id", "enabled", "next_poll_at")
    return {
        pk: {
            "latency_ms": latest[pk].latency_ms if pk in latest else None,
            "next": next_poll_at.timestamp() if enabled else None,
        }
        for pk, enabled, next_poll_at in rows
    }
