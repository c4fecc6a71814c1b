"""Asking agents: who is due, fetching on the background loop, handing over replies as they come.

    tick -> claim() -> fetch() on the loop -> batches of Result -> recording.record() -> rows

Any number of processes may tick at once: an agent is claimed by a conditional UPDATE, and a poll
that is done twice does no harm.
"""

import asyncio
import contextlib
import logging
import queue
import time
import uuid
from collections.abc import Coroutine, Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Value
from django.utils import timezone

from accounts import polls, refreshes
from accounts.agents import AgentError, Endpoint, Reading, client
from accounts.agents.errors import AddressNotAllowed, BadCertificate, SecretMissing
from accounts.models import Agent
from accounts.recording import Recorder
from mt5monitor import loop

log = logging.getLogger(__name__)
TICK = timedelta(seconds=1)
# A claimed agent that is known to be unreachable is not due again before its reconnect can end.
LEASE = timedelta(seconds=90)
# Replies that come within this time of one another are written in one transaction.
LINGER_S = 0.01
TOUCH_EVERY_S = 1.0
# What a reconnect of the terminal cannot mend.
BEYOND_RECOVERY = (AddressNotAllowed, BadCertificate, SecretMissing)


@dataclass(frozen=True, slots=True)
class Result:
    """What came of asking one agent. Neither reading nor error: nothing changed there (304)."""

    agent_id: int
    url: str
    started_at: datetime
    finished_at: datetime
    latency_ms: float
    reading: Reading | None = None
    error: AgentError | None = None
    recovered: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a refresh tells the person who asked for it."""

    agent_id: int
    agent_name: str
    ok: bool
    code: str
    sentence: str
    latency_ms: float
    changed: bool


def poll_due(*, reachable: bool) -> int:
    """One tick of one of the two queues; returns how many agents were asked."""
    agents = claim(timezone.now(), reachable=reachable)
    mine = [agent for agent in agents if agent.pk not in _in_flight]
    now = timezone.now()
    calls = [fetch(agent.endpoint(), recover=agent.may_recover(now)) for agent in mine]
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
    """The due agents that this call, and no other, has taken."""
    if (room := _room(reachable=reachable)) <= 0:
        return []
    due = Agent.objects.due(now)
    due = due.reachable() if reachable else due.unreachable()
    # Rows that somebody is writing are left to the next tick: a claim waits for nobody.
    free = due.select_for_update(skip_locked=True).order_by("next_poll_at").values("pk")
    token = uuid.uuid4()
    with transaction.atomic():
        claimed = (
            Agent.objects.due(now)
            .filter(pk__in=free[:room])
            .update(claim=token, polled_at=now, next_poll_at=_next_poll(now, reachable))
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
    # Half a tick early: due just after a tick would mean a whole tick late.
    base = Value(now - TICK / 2)
    return ExpressionWrapper(base + F("interval"), output_field=DateTimeField())


def refresh(agents: Iterable[Agent]) -> Iterator[Outcome]:
    """Polls these agents now, from this process, and yields as they arrive.

    An agent whose reading fails is asked to reconnect its terminal and read once more, unless it
    was asked to a moment ago. One that this process is reading for somebody already is left alone,
    and so is one that was switched off.
    """
    by_id = {agent.pk: agent for agent in agents}
    now = timezone.now()
    with refreshes.turn(pk for pk, agent in by_id.items() if agent.enabled) as turn:
        asked = [agent for pk, agent in by_id.items() if pk in turn.ids]
        calls = [
            fetch_or_recover(one.endpoint(), recover=one.recovery_is_due(one.recovered_at, now))
            for one in asked
        ]
        for result, changed in _recorded(calls):
            turn.is_over(result.agent_id)
            yield _outcome(by_id[result.agent_id], result, changed)
    yield from (_left_alone(agent) for pk, agent in by_id.items() if pk not in turn.ids)


def _left_alone(agent: Agent) -> Outcome:
    code, said = "being-read", "It is being read for somebody else at this moment."
    if not agent.enabled:
        code, said = "disabled", "It is not enabled, so it is not asked."
    return Outcome(agent.pk, str(agent), False, code, said, 0.0, False)


def _outcome(agent: Agent, result: Result, changed: bool) -> Outcome:
    error = result.error
    said = "changed" if changed else "nothing new"
    return Outcome(
        agent_id=agent.pk,
        agent_name=str(agent),
        ok=error is None,
        code=error.code if error else "",
        sentence=error.sentence if error else f"Read in {result.latency_ms:.0f} ms, {said}.",
        latency_ms=result.latency_ms,
        changed=changed,
    )


# --- on the background loop: no ORM here ------------------------------------------------------


async def fetch(endpoint: Endpoint, *, recover: bool = False) -> Result:
    """Reads one agent; with `recover`, has its terminal reconnect first."""
    if not recover:
        return await _read(endpoint)
    # The reading that follows says what is wrong; a failed reconnect adds nothing to it.
    with contextlib.suppress(AgentError):
        await client().refresh(endpoint, patient=True)
    await asyncio.sleep(settings.RECOVERY_RETRY_S)
    return replace(await _read(endpoint), recovered=True)


async def fetch_or_recover(endpoint: Endpoint, *, recover: bool) -> Result:
    result = await _read(endpoint)
    if not recover or result.error is None or isinstance(result.error, BEYOND_RECOVERY):
        return result
    return await fetch(endpoint, recover=True)


async def _read(endpoint: Endpoint) -> Result:
    started_at, begun = timezone.now(), time.perf_counter()
    reading: Reading | None = None
    error: AgentError | None = None
    try:
        reading = await client().read(endpoint, patient=True)
    except AgentError as raised:
        error = raised
    except Exception:
        # One agent's whole poll: a fault of ours in it must not end the sweep of the others.
        log.exception("Polling agent %s failed in a way that it should not", endpoint.name)
        error = AgentError("The monitor failed while reading this agent; its log says more.")
    latency = time.perf_counter() - begun
    return Result(
        agent_id=endpoint.id,
        url=endpoint.url,
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=latency),
        latency_ms=latency * 1000,
        reading=reading,
        error=error,
    )


# --- between the loop and the database --------------------------------------------------------


def _recorded(calls: list[Coroutine[Any, Any, Result]]) -> Iterator[tuple[Result, bool]]:
    """Runs the calls at once and writes what they bring, a batch at a time; (result, changed)."""
    recorder = Recorder(touch_every_s=TOUCH_EVERY_S)
    try:
        for batch in _batches(calls):
            if batch:
                changed = recorder.record(batch)
                polls.remember(batch)
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
