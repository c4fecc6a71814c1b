"""Filters of the list of accounts. None of them counts."""

from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from accounts.fleet.query import OPEN
from accounts.fleet.states import NO_AGENT, STATES
from accounts.models import Agent

OFFLINE_TERMINAL = Q(agent__status=Agent.Status.ONLINE, connected=False)


class QFilter(DropdownFilter):  # type: ignore[misc]
    """Choices, each with its condition: `options` is {key: (label, condition)}."""

    options: dict[str, tuple[str, Q]] = {}  # noqa: RUF012

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(key, label) for key, (label, _) in self.options.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        option = self.options.get(self.value() or "")
        return queryset.filter(option[1]) if option else queryset


class StateFilter(QFilter):
    title = "state"
    parameter_name = "state"
    options = {  # noqa: RUF012
        **{
            status.value: (label, Q(agent__status=status) & ~OFFLINE_TERMINAL)
            for status, label in STATES.items()
        },
        Agent.Status.DISCONNECTED.value: (
            STATES[Agent.Status.DISCONNECTED],
            Q(agent__status=Agent.Status.DISCONNECTED) | OFFLINE_TERMINAL,
        ),
        "none": (NO_AGENT, Q(agent=None)),
        "stale": ("Any, stale figures", Q(is_fresh=False)),
    }


class NearLimitFilter(QFilter):
    title = "drawdown limit"
    parameter_name = "limit"
    options = {  # noqa: RUF012
        "near": ("Near or past it", Q(drawdown_used_pct__gte=settings.NEAR_LIMIT * 100)),
        "past": ("Past it", Q(drawdown_used_pct__gte=100)),
        "far": ("Not near", Q(drawdown_used_pct__lt=settings.NEAR_LIMIT * 100)),
        "unknown": ("Unknown", Q(drawdown_used_pct=None)),
    }


class OpenPositionsFilter(QFilter):
    title = "open positions"
    parameter_name = "open"
    options = {  # noqa: RUF012
        "yes": (OPEN["yes"], Q(open_positions__gt=0)),
        "no": (OPEN["no"], Q(open_positions=0)),
        "unknown": (OPEN["unknown"], Q(open_positions=None)),
    }


class VSFilter(QFilter):
    title = "VS group"
    parameter_name = "vs"
    options = {  # noqa: RUF012
        "yes": ("In one", ~Q(vs_group=None)),
        "no": ("In none", Q(vs_group=None)),
    }


class ConflictFilter(QFilter):
    title = "conflict"
    parameter_name = "conflict"
    options = {"yes": ("Open", Q(in_conflict=True)), "no": ("None", Q(in_conflict=False))}  # noqa: RUF012
