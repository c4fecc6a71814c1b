"""Asking agents: who is due, fetching on the background loop, handing over replies as they come.

    tick -> claim() -> fetch() on the loop -> batches of Result -> Recorder.record() -> rows

Any number of processes may tick at once: an agent is claimed by a conditional UPDATE, and a poll
that is done twice does no harm.
"""

import queue
import time
import uuid
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.db.models.functions import Greatest, Least
from django.utils import timezone

from accounts import poll_log
from accounts.models import Agent
from accounts.polling import on_demand
from accounts.polling.fetch import fetch, fetch_or_recover, read
from accounts.polling.poll_result import Outcome, Result
from accounts.polling.recorder import Recorder
from mt5monitor import loop

TICK = timedelta(seconds=1)
# A claimed agent that is known to be unreachable is not due again before its reconnect can end.
LEASE = timedelta(seconds=90)
# Replies that come within this time of one another are written in one transaction.
LINGER_S = 0.01
TOUCH_EVERY_S = 1.0
WAIT_S = 60.0  # for agents that somebody else has asked for: a reconnect may take so long
# Several that were just read are not read again: they are asked for by all who watch the fleet. One
# is, and not by joining a reading that began before: whoever has just traded there wants to see it.
LATE_S = 2.0


def poll_due(*, reachable: bool) -> int:
    """One tick of one of the two queues; returns how many agents were asked."""
    agents = claim(timezone.now(), reachable=reachable)
    mine = [agent for agent in agents if agent.pk not in _in_flight]
    now = timezone.now()
    calls = [
        fetch(agent.endpoint(), recover=agent.may_recover(now), wait_s=_wait_s(agent, now))
        for agent in mine
    ]
    ids = {agent.pk for agent in mine}
    _in_flight.update(ids)
    try:
        for result, _ in _recorded(calls):
            # At once, not at the end: who has answered does not wait for one that hangs.
            _in_flight.discard(result.agent_id)
    finally:
        _in_flight.difference_update(ids)
    return len(mine)


# Agents that this process is waiting for: one that hangs is not asked again meanwhile.
_in_flight: set[int] = set()


def claim(now: datetime, *, reachable: bool) -> list[Agent]:
    """The agents that are due, or will be before the next tick, and that this call has taken, and
    no other."""
    if (room := _room(reachable=reachable)) <= 0:
        return []
    soon = Agent.objects.due(now + TICK if reachable else now)
    due = soon.reachable() if reachable else soon.unreachable()
    # Rows that somebody is writing are left to the next tick: a claim waits for nobody.
    free = due.select_for_update(skip_locked=True).order_by("next_poll_at")
    token = uuid.uuid4()
    with transaction.atomic():
        # Read before, not as a subquery: PostgreSQL may run one again for each row, and a LIMIT of
        # rows that are not locked yet then gives others each time.
        taken = list(free.values_list("pk", flat=True)[:room])
        claimed = taken and soon.filter(pk__in=taken).update(
            claim=token, polled_at=now, next_poll_at=_next_poll(now, reachable)
        )
    return list(Agent.objects.filter(claim=token)) if claimed else []


def _room(*, reachable: bool) -> int:
    """How many more agents this process takes on; the rest is left to others and to later.

    The unreachable keep a slot of the client for up to a minute, so none of them waits for one: the
    supervisor would take the thread that waits for them all for dead.
    """
    most = settings.POLL_BATCH if reachable else settings.AGENTS["MAX_CONCURRENCY"]
    return int(most) - len(_in_flight)


def _next_poll(now: datetime, reachable: bool) -> Any:
    if not reachable:
        return now + LEASE  # until the result sets the backoff
    # From when it was due, so that agents stay as far apart as they are.
    begun = Least(Greatest(F("next_poll_at"), Value(now)), Value(now + TICK))
    return ExpressionWrapper(begun + F("interval"), output_field=DateTimeField())


def _wait_s(agent: Agent, now: datetime) -> float:
    """Until it is due: a tick's agents are not asked all at once, for then each answer would wait
    for all others to be written and shown."""
    due = agent.next_poll_at - agent.interval
    return min(max((due - now).total_seconds(), 0.0), TICK.total_seconds())


def refresh(
    agents: Iterable[Agent], *, wait_s: float = 0, late_s: float = 0, fresh: bool = False
) -> Iterator[Outcome]:
    """Polls these agents now, from this process, and yields as they arrive.

    An agent whose reading fails is asked to reconnect its terminal and read once more, unless it
    was asked to a moment ago. One that this process is reading for somebody already is not asked
    again: what comes of that is yielded, if it comes within `wait_s`; and so is what came of a
    reading that ended within the last `late_s`. With `fresh`, only what began after this call
    counts, and a reading that is under way is waited for. One that was switched off is left alone.
    """
    by_id = {agent.pk: agent for agent in agents}
    now, until = timezone.now(), time.monotonic() + wait_s
    urls = {pk: agent.url for pk, agent in by_id.items() if agent.enabled}
    with on_demand.turn(urls, late_s, fresh=fresh) as turn:
        turn.begin(until)
        asked = [agent for pk, agent in by_id.items() if pk in turn.ids]
        calls = [
            fetch_or_recover(one.endpoint(), recover=one.recovery_is_due(one.recovered_at, now))
            for one in asked
        ]
        for result, changed in _recorded(calls):
            outcome = Outcome.of(by_id[result.agent_id], result, changed)
            turn.is_over(outcome)
            yield outcome
    for pk in by_id.keys() - turn.ids:
        shared = turn.outcome_of(pk, until) if pk in turn.others else None
        yield shared or Outcome.left_alone(by_id[pk])


def read_now(user_id: int, agents: Iterable[Agent]) -> list[Outcome]:
    """Read these agents for a user who waits, or join the readings that others asked for.

    Return when all have been read. Raise TooManyRefreshes.
    """
    asked = list(agents)
    one = len(asked) == 1
    with on_demand.place(user_id):
        return list(refresh(asked, wait_s=WAIT_S, late_s=LATE_S, fresh=one))


def read_again(agent: Agent, wait_s: float) -> Outcome | None:
    """Reads one agent after something was done there, so that its rows show it.

    Takes `wait_s` at most, and asks for no reconnect: who waits has been served already. None when
    nothing was learned in that time; that is no failure of the agent's.
    """
    until = time.monotonic() + wait_s
    with on_demand.turn({agent.pk: agent.url}, fresh=True) as turn:
        if not turn.ids:
            return turn.outcome_of(agent.pk, until)
        turn.begin(until)
        try:
            result = loop.run(read(agent.endpoint()), max(until - time.monotonic(), 0))
        except TimeoutError:
            return None
        recorder = Recorder(touch_every_s=0)
        changed = recorder.record([result])
        recorder.close()
        outcome = Outcome.of(agent, result, agent.pk in changed)
        turn.is_over(outcome)
        return outcome


def _recorded(calls: list[Coroutine[Any, Any, Result]]) -> Iterator[tuple[Result, bool]]:
    """Runs the calls at once and writes what they bring, a batch at a time; (result, changed)."""
    recorder = Recorder(touch_every_s=TOUCH_EVERY_S)
    try:
        for batch in _batches(calls):
            if batch:
                changed = recorder.record(batch)
                poll_log.remember({result.agent_id: result.poll for result in batch})
                yield from ((result, result.agent_id in changed) for result in batch)
            recorder.touch()
    finally:
        recorder.close()


def _batches(calls: list[Coroutine[Any, Any, Result]]) -> Iterator[list[Result]]:
    """Results in the order in which they come, those that come together in one list; an empty one
    when none has come for a while."""
    arrived: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()
    for call in calls:
        loop.submit(call).add_done_callback(arrived.put)
    missing = len(calls)
    while missing:
        batch = _gather(arrived, missing)
        missing -= len(batch)
        yield batch


def _gather(arrived: "queue.SimpleQueue[Future[Result]]", most: int) -> list[Result]:
    """Waits a while for one result, and a moment for those that come with it."""
    try:
        batch = [arrived.get(timeout=TOUCH_EVERY_S).result()]
    except queue.Empty:
        return []
    until = time.monotonic() + LINGER_S
    while len(batch) < most:
        try:
            batch.append(arrived.get(timeout=max(until - time.monotonic(), 0)).result())
        except queue.Empty:
            break
    return batch
