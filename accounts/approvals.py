"""Letting orders go to an agent: an act of a person with a trading right, for one address."""

import logging
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from accounts.models import Agent, TradingApproval
from accounts.models.approval import SWITCHES_TRADING

NEEDS_PERMISSION = (
    "Switching trading on through an agent needs the permission to switch trading off and on."
)
operations = logging.getLogger("operations")


def may_approve(user: object) -> bool:
    return bool(user.has_perm(SWITCHES_TRADING))  # type: ignore[attr-defined]


def approve(agent: Agent, user: User) -> None:
    """Record that `user` lets orders go to the agent at the URL and version it has in memory.

    The caller switches trading on, in the same transaction. Raise PermissionDenied.
    """
    if not may_approve(user):
        raise PermissionDenied(NEEDS_PERMISSION)
    TradingApproval.objects.create(
        agent=agent,
        url=agent.url,
        contract=agent.contract,
        user=user,
        username=user.get_username(),
    )
    where = (agent.name, agent.url, agent.contract, user.get_username())
    operations.warning("Trading through agent %s switched on at %s (API v%s), by %s", *where)


def switch_on(seen: Iterable[Agent], user: User) -> list[Agent]:
    """Switch trading on through agents that are still where they were seen; return those. To be
    called in a transaction. Raise PermissionDenied."""
    on = []
    for agent in seen:
        here = Agent.objects.filter(pk=agent.pk, url=agent.url, contract=agent.contract)
        if here.update(trading_enabled=True):
            approve(agent, user)
            on.append(agent)
    return on


def approve_as(agents: Iterable[Agent], name: str) -> None:
    """The same by a program, for agents that it made itself; those approved already are skipped."""
    approved = set(TradingApproval.objects.values_list("agent", "url", "contract"))
    now = timezone.now()
    TradingApproval.objects.bulk_create(
        TradingApproval(agent=one, url=one.url, contract=one.contract, username=name, at=now)
        for one in agents
        if (one.pk, one.url, one.contract) not in approved
    )
