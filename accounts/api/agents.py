"""Agents, and what the rows know altogether."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Field, Router, Schema
from redis.exceptions import RedisError

from accounts import poll_log
from accounts.api import reads, shapes
from accounts.api.caller import may
from accounts.api.reads import read_now
from accounts.api.shapes import AgentOut, Problem
from accounts.models import Account, Agent
from accounts.polling import sentence_of
from mt5monitor import expired, processes
from mt5monitor.api.answers import answer, conditional, detail
from mt5monitor.connected import KINDS
from mt5monitor.pulse import connection

router = Router(tags=["Agents"])
ERRORS = {401: Problem, 403: Problem, 422: Problem, 429: Problem}


class Refreshed(Schema):
    status: str
    message: str
    agents: int
    answered: int


class Stats(Schema):
    accounts_cached: int
    agents_cached: int
    last_full_refresh: datetime | None = Field(
        description="since when every enabled agent that has ever answered was read; null: none has"
    )
    ttl_seconds: float = Field(description="between two polls of an account at rest")
    hits: int | None = Field(description="answers from rows")
    misses: int | None = Field(description="answers for which agents were read first")
    connection_count: int | None = Field(
        description="open sockets and streams, in all web processes; null: unknown"
    )
    connections: dict[str, int] | None = Field(description="the same by kind")
    agents_by_urgency: dict[str, int] = Field(description="enabled ones, as they are polled now")
    intervals_chosen: dict[str, int] | None = Field(
        description="how often an agent was given another interval, by urgency; null: not known"
    )


class Process(Schema):
    process: str = Field(description="web, worker or worker-unreachable")
    host: str
    pid: int
    since: datetime
    at: datetime = Field(description="when it counted; at most some seconds ago")
    counts: dict[str, Any] = Field(
        description="agent_pool: connections to agents; connections: sockets and streams, web "
        "only; host: clock_ahead_s, by how much its host's clock is ahead of the database's, and "
        "problem, in words"
    )


class Statistics(Schema):
    processes: list[Process]
    expired_tasks: dict[str, int] = Field(
        description="tasks that no worker had time for before they expired, by name"
    )


@router.get(
    "/agents/status",
    summary="State of every agent",
    auth=may("accounts.view_agent"),
    response={200: list[AgentOut], **ERRORS},
)
def status(request: HttpRequest) -> HttpResponseBase:
    """Each agent as it answered last; nobody is asked."""
    rows = Agent.objects.order_by("name")
    reported = dict(rows.annotate(n=Count("accounts")).values_list("pk", "n"))
    return conditional(request, [shapes.agent(row, reported.get(row.pk, 0)) for row in rows])


@router.post(
    "/refresh",
    summary="Read the whole fleet now",
    auth=may("accounts.view_account"),
    response={200: Refreshed, **ERRORS},
)
def refresh(request: HttpRequest) -> HttpResponse:
    """Reads every agent now, and waits for all of them."""
    outcomes = read_now(request, Agent.objects.filter(enabled=True))
    answered = sum(outcome.ok for outcome in outcomes)
    told: dict[str, Any] = {"status": "success" if answered else "error"}
    told |= {"message": sentence_of(outcomes), "agents": len(outcomes), "answered": answered}
    return answer(told)


@router.get(
    "/cache/stats",
    summary="How old the rows are",
    auth=may("accounts.view_account"),
    response={200: Stats, **ERRORS},
)
def stats(request: HttpRequest) -> HttpResponse:
    """What the original called its cache is the rows: always there, and as old as they say."""
    enabled = Agent.objects.filter(enabled=True)
    hits, misses = reads.counted()
    told = {
        "accounts_cached": Account.objects.count(),
        "agents_cached": enabled.exclude(last_seen_at=None).count(),
        "last_full_refresh": _all_read_at(),
        "ttl_seconds": settings.POLL_INTERVALS["standard"],
        "hits": hits,
        "misses": misses,
        "agents_by_urgency": dict(_by_urgency(enabled)),
        "intervals_chosen": poll_log.intervals_chosen(),
        **_connections(),
    }
    return answer(told)


def _by_urgency(agents: "QuerySet[Agent]") -> Iterable[tuple[str, int]]:
    chosen = agents.exclude(urgency="").order_by("urgency")
    return chosen.values_list("urgency").annotate(n=Count("pk"))


def _all_read_at() -> datetime | None:
    """An agent that has never answered is left out: it would hide the age of all others."""
    read = Agent.objects.filter(enabled=True).exclude(last_seen_at=None)
    return read.order_by("last_seen_at").values_list("last_seen_at", flat=True).first()


def _connections() -> dict[str, Any]:
    try:
        counted = [entry.counts.get("connections", {}) for entry in processes.running()]
    except RedisError:
        return {"connection_count": None, "connections": None}
    kinds = {kind: sum(c.get(kind, {}).get("open", 0) for c in counted) for kind in KINDS}
    return {"connection_count": sum(kinds.values()), "connections": kinds}


@router.get(
    "/statistics",
    summary="What each process counts",
    auth=may("accounts.view_agent"),
    response={200: Statistics, 503: Problem, **ERRORS},
)
def statistics(request: HttpRequest) -> HttpResponse:
    """Connections to agents, open sockets and streams, and expired tasks; no agent is asked."""
    try:
        running = processes.running()
        with connection(settings.REDIS_URL) as valkey:
            expired_tasks = expired.totals(valkey)
    except RedisError:
        return detail("Cannot reach Valkey, where processes publish their counts. Try again.", 503)
    entries = [msgspec.to_builtins(entry) | _times(entry) for entry in running]
    for entry in entries:
        del entry["seen"]  # of use among processes alone
    return answer({"processes": entries, "expired_tasks": expired_tasks})


def _times(entry: processes.Entry) -> dict[str, datetime]:
    return {name: datetime.fromtimestamp(getattr(entry, name), UTC) for name in ("since", "at")}
