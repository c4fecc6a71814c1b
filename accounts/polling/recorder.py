"""Replies into rows: only rows and columns that changed, in one transaction a batch.

A sweep in which nothing changed costs one UPDATE of last_seen_at and no message to any page.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from accounts import poll_log, quotas
from accounts.agents import AgentError
from accounts.changes import lock_rows, unlocked
from accounts.live.publishing import publish_accounts, publish_agents
from accounts.models import Account, Agent
from accounts.polling.plan import Plan
from accounts.polling.poll_result import Result
from accounts.polling.snapshot import Snapshot
from mt5monitor.database import FAULTS, reconnect, words

log = logging.getLogger(__name__)
operations = logging.getLogger("operations")
# What is held does not change any more, so the second or third plan of a batch fits. One that never
# does is a fault, which must not keep these rows locked.
PLANS_MOST = 20


class Recorder:
    """Writes the batches of one sweep; `close()` confirms the unchanged agents that are left."""

    def __init__(self, touch_every_s: float) -> None:
        self._touch_every_s = touch_every_s
        self._touched: dict[int, datetime] = {}  # when each was heard
        self._touch_due = time.monotonic() + touch_every_s

    def record(self, batch: Sequence[Result]) -> set[int]:
        """Writes a batch; returns the ids of the agents with a change to show.

        Never raises. Where another session keeps rows locked, such as that of a host that was lost,
        the agents of those rows are left out, and polled again when they are due.
        """
        try:
            return self._written(batch)
        except FAULTS as fault:
            log.warning("A batch of %d replies is written once more: %s", len(batch), words(fault))
        reconnect()
        try:
            return self._written(_free(batch))
        except FAULTS as fault:
            log.warning("%d replies could not be written: %s", len(batch), words(fault))
        reconnect()
        return set()

    def _written(self, batch: Sequence[Result]) -> set[int]:
        """Raises FAULTS, and those alone."""
        try:
            return self._record(batch)
        except FAULTS:
            raise
        except Exception:
            # One reply that the database refuses must not cost the others theirs.
            log.exception("A batch of %d replies could not be written", len(batch))
            return self._record_one_by_one(batch)

    def _record_one_by_one(self, batch: Sequence[Result]) -> set[int]:
        changed: set[int] = set()
        for result in batch:
            try:
                changed |= self._record([result])
            except FAULTS:
                raise  # it is not the reply that is refused
            except Exception:
                log.exception("The reply of agent %d could not be written", result.agent_id)
                changed |= self._record_refusal(result)
        return changed

    def _record_refusal(self, result: Result) -> set[int]:
        try:
            return self._record([_unwritable(result)])
        except FAULTS:
            raise
        except Exception:
            # Its claim lapses: it is polled again when it is due.
            log.exception("Nor could it be written that agent %d failed", result.agent_id)
            return set()

    def _record(self, batch: Sequence[Result]) -> set[int]:
        plan = _plan(batch)
        unchanged = set(plan.unchanged_agents)
        if plan.writes:
            with transaction.atomic():
                for _ in range(PLANS_MOST):
                    if plan.writes.hold():
                        break
                    # Of those that are held by now, and of no others: the rest changes nothing.
                    batch_held = [one for one in batch if one.agent_id in plan.writes.heard]
                    plan = _plan(batch_held)
                    unchanged |= plan.unchanged_agents
                else:
                    raise RuntimeError("The rows never are as a plan finds them")
                plan.writes.write()
                publish_accounts(plan.changed_numbers)
                publish_accounts(plan.added_numbers, added=True)
                publish_agents(plan.changed_agents)
        for agent, columns in plan.turned:
            _tell(agent, columns["status"], columns.get("status_reason", agent.status_reason))
        for agent, kind in plan.alarms:
            quotas.log_alarm(agent, kind)
        if plan.chosen:
            _tell_intervals(plan)
        self._touched |= {
            result.agent_id: result.finished_at for result in batch if result.agent_id in unchanged
        }
        return plan.changed_agents | plan.agents_of_changed_accounts

    def touch(self) -> None:
        """Confirms them once in a while; to be called also while nothing comes."""
        if time.monotonic() >= self._touch_due:
            self.close()

    def close(self) -> None:
        """Confirms that the unchanged agents answered, all in one UPDATE and so at one time: that
        of the first, for no agent may look as if it had been heard later than it was."""
        if self._touched:
            try:
                _confirm(self._touched)
            except FAULTS as fault:
                log.warning("%d agents are confirmed late: %s", len(self._touched), words(fault))
                reconnect()
                _confirm_free(self._touched)
        self._touched.clear()
        self._touch_due = time.monotonic() + self._touch_every_s


def _confirm(heard: Mapping[int, datetime]) -> None:
    seen_at = min(heard.values())
    touched = Agent.objects.filter(pk__in=heard, last_seen_at__lt=seen_at)
    with transaction.atomic():
        lock_rows(Agent, heard)
        touched.update(last_seen_at=seen_at)


def _confirm_free(heard: Mapping[int, datetime]) -> None:
    """Those whose rows no other session holds; of the others the next poll is confirmed."""
    try:
        free = unlocked(Agent, heard)
        if free:
            _confirm({pk: heard[pk] for pk in free})
    except FAULTS as fault:
        log.warning("%d agents could not be confirmed: %s", len(heard), words(fault))
        reconnect()


def _free(batch: Sequence[Result]) -> list[Result]:
    """The replies of agents whose row, and those of whose accounts, no other session holds."""
    if not connection.features.has_select_for_update:
        return list(batch)
    ids = {result.agent_id for result in batch}
    owners = dict(Account.objects.filter(agent__in=ids).values_list("pk", "agent_id"))
    with transaction.atomic():
        held = ids - unlocked(Agent, ids)
        held |= {owners[pk] for pk in owners.keys() - unlocked(Account, owners)}
    if held:
        log.warning("Rows of %d agents are locked by another session: %s", len(held), sorted(held))
    return [result for result in batch if result.agent_id not in held]


def _plan(batch: Sequence[Result]) -> Plan:
    plan = Plan(Snapshot.of(batch), timezone.now())
    for result in batch:
        plan.add(result)
    return plan


def _tell(agent: Agent, status: str, reason: str) -> None:
    level = logging.INFO if status == Agent.Status.ONLINE else logging.WARNING
    why = f": {reason}" if reason else "."
    operations.log(level, "Agent %s is %s%s", agent.name, status, why, extra={"agent": agent.name})


def _tell_intervals(plan: Plan) -> None:
    for agent, urgency, interval in plan.chosen:
        told = (agent.name, interval.total_seconds(), urgency.level, urgency.reason)
        log.debug("Agent %s is polled every %g s (%s): %s", *told)
    poll_log.count_intervals([urgency.level for _, urgency, _ in plan.chosen])


class Unwritable(AgentError):
    code = "unwritable"


def _unwritable(result: Result) -> Result:
    error = Unwritable("The database refused what this agent said; the log says which figure.")
    return replace(result, reading=None, error=error)
