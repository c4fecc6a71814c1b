"""Agents, and what the rows know altogether."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from ninja import Field, Router, Schema

from accounts import polls
from accounts.api import reads, shapes
from accounts.api.caller import may
from accounts.api.reads import read_now
from accounts.api.shapes import AgentOut, Problem
from accounts.models import Account, Agent
from accounts.views.refreshing import sentence
from mt5monitor.api.answers import answer, conditional

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
    last_full_refresh: datetime | None = Field(description="when all enabled agents were read last")
    ttl_seconds: float = Field(description="between two polls of an account at rest")
    hits: int | None = Field(description="answers from rows")
    misses: int | None = Field(description="answers for which agents were read first")
    agents_by_urgency: dict[str, int] = Field(description="enabled ones, as they are polled now")
    intervals_chosen: dict[str, int] | None = Field(
        description="how often an agent was given another interval, by urgency; null: not known"
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
    told |= {"message": sentence(outcomes), "agents": len(outcomes), "answered": answered}
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
        "intervals_chosen": polls.intervals_chosen(),
    }
    return answer(told)


def _by_urgency(agents: "QuerySet[Agent]") -> Iterable[tuple[str, int]]:
    chosen = agents.exclude(urgency="").order_by("urgency")
    return chosen.values_list("urgency").annotate(n=Count("pk"))


def _all_read_at() -> datetime | None:
    """None while one of those that are enabled was never read."""
    enabled = Agent.objects.filter(enabled=True)
    if enabled.filter(last_seen_at=None).exists():
        return None
    return enabled.order_by("last_seen_at").values_list("last_seen_at", flat=True).first()
