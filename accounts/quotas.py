"""How much an agent can have us write: rows a quota, refilled by the hour.

A quota is full at first, so that a history of years can be read at once, and refills at so many
rows an hour, up to full. What does not fit is not written: history is read on from there later,
positions count as unknown, conflicts and changes of state are not noted. The agent then carries an
alarm.
"""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.conf import settings
from django.db.models import Q

from accounts.models import Agent, AgentQuota

Kind = AgentQuota.Kind
HOUR: Final = timedelta(hours=1)
CONFIRM_EVERY: Final = timedelta(minutes=10)
"""An alarm that goes on is written again after so long."""
operations = logging.getLogger("operations")


class Limit(NamedTuple):
    most: int
    per_hour: int


def limit(kind: str) -> Limit:
    return Limit(*settings.AGENT_QUOTAS[kind])


def left(row: AgentQuota | None, kind: str, now: datetime) -> float:
    """Rows that can still be written. A clock that was set back refills nothing."""
    most, per_hour = limit(kind)
    if row is None:
        return float(most)
    refilled = max(now - row.at, timedelta(0)) / HOUR * per_hour
    return min(row.left + refilled, float(most))


def take(agent: int, kind: str, wanted: int, now: datetime) -> int:
    """Use up to `wanted` rows of the agent's quota; return how many are granted.

    To be called in the transaction that writes them: others wait for its end.
    """
    row, _ = AgentQuota.objects.select_for_update().get_or_create(
        agent_id=agent, kind=kind, defaults={"left": limit(kind).most, "at": now}
    )
    known = left(row, kind, now)
    granted = min(wanted, int(known))
    AgentQuota.objects.filter(pk=row.pk).update(left=known - granted, at=now)
    return granted


class Ledger:
    """The quotas of the agents of a batch; read at the first use, and written with the batch."""

    def __init__(self, agents: Iterable[int]) -> None:
        self._agents = list(agents)
        self._rows: dict[tuple[int, str], AgentQuota] | None = None
        self._used: dict[tuple[int, str], AgentQuota] = {}

    def take(self, agent: int, kind: str, wanted: int, now: datetime) -> int:
        """As the function of that name; nothing is locked, for the agent's row will be."""
        if self._rows is None:
            rows = AgentQuota.objects.filter(agent__in=self._agents)
            self._rows = {(row.agent_id, row.kind): row for row in rows}
        known = left(self._rows.get((agent, kind)), kind, now)
        granted = min(wanted, int(known))
        row = AgentQuota(agent_id=agent, kind=kind, left=known - granted, at=now)
        self._rows[agent, kind] = self._used[agent, kind] = row
        return granted

    def take_all(self, agent: int, kind: str, wanted: int, now: datetime) -> bool:
        """Use `wanted` rows if so many are left, else none; return whether they were."""
        granted = self.take(agent, kind, wanted, now)
        if granted < wanted:
            self._used[agent, kind].left += granted
        return granted == wanted

    def write(self) -> None:
        if self._used:
            AgentQuota.objects.bulk_create(
                self._used.values(),
                update_conflicts=True,
                unique_fields=["agent", "kind"],
                update_fields=["left", "at"],
            )


def sentence(kind: str) -> str:
    """What an agent's quota held back, and what to do."""
    what = {
        Kind.HISTORY: "over {:,} rows of history an hour; the rest waits.",
        Kind.POSITIONS: "over {:,} new positions an hour; they count as unknown.",
        Kind.NOTICES: "over {:,} conflicts or changes of state an hour; not all are noted.",
    }[Kind(kind)].format(limit(kind).per_hour)
    advice = "Check the agent: reset its quotas in the admin, or disable it."
    return f"Quota reached: {what} {advice}"


def alarm_columns(agent: Agent, kind: str, now: datetime) -> dict[str, object]:
    """The columns of an agent to write for an alarm of now; none while it was just written."""
    at = agent.quota_at
    if agent.quota_kind == kind and at is not None and abs(now - at) < CONFIRM_EVERY:
        return {}
    return {"quota_kind": kind, "quota_at": now}


def alarm(agent: Agent, kind: str, now: datetime) -> None:
    """Raise the alarm of an agent from elsewhere than the poller, whose next poll shows it."""
    columns = alarm_columns(agent, kind, now)
    if not columns:
        return
    late = Q(quota_at=None) | Q(quota_at__lt=now - CONFIRM_EVERY) | ~Q(quota_kind=kind)
    was_standing = agent.quota_alarm(now) == kind
    raised = Agent.objects.filter(late, pk=agent.pk).update(**columns)
    if raised and not was_standing:
        log_alarm(agent, kind)


def log_alarm(agent: Agent, kind: str) -> None:
    operations.warning("Agent %s: %s", agent.name, sentence(kind), extra={"agent": agent.name})


def reset(agents: Iterable[int]) -> None:
    """Fill all quotas of these agents again, and end their alarms."""
    ids = list(agents)
    AgentQuota.objects.filter(agent__in=ids).delete()
    Agent.objects.filter(pk__in=ids).update(quota_kind="", quota_at=None)
