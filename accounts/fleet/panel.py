"""All that the page of one account shows of what is polled, and of what staff changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q

from accounts import poll_log
from accounts.fleet import formatting
from accounts.fleet.rows import account_row, agent_row
from accounts.models import Account, Conflict

POLLS_SHOWN = 12
POSITIONS_SHOWN = 200


def panel_context(account: Account, now: datetime) -> dict[str, Any]:
    """For accounts/_account_panel.html; depends on neither request nor user."""
    agent = account.agent
    recent = poll_log.recent(agent.pk, settings.RECENT_POLLS) if agent else []
    left = account.drawdown_left
    return {
        "account": account,
        "row": account_row(account, now),
        "agent": agent_row(agent, recent[0] if recent else None, now) if agent else None,
        "others": _others(account),
        **_positions(account),
        "over": formatting.money(-left, account.money_places)
        if left is not None and left < 0
        else "",
        "bars": bars(recent),
        "failed": sum(bool(poll.code) for poll in recent),
        "polls": recent[:POLLS_SHOWN],
        "slowest": max((poll.latency_ms for poll in recent), default=None),
        "conflicts": _conflicts(account),
    }


def _positions(account: Account) -> dict[str, Any]:
    """The first ones, and how many there are beyond: the panel is sent whole at every change."""
    held = list(account.positions.all()[: POSITIONS_SHOWN + 1])
    more = account.positions.count() - POSITIONS_SHOWN if len(held) > POSITIONS_SHOWN else 0
    return {"positions": held[:POSITIONS_SHOWN], "more": more}


def _conflicts(account: Account) -> list[Conflict]:
    """Reports of other agents that may be of this account; those of another server are not."""
    open_ones = Conflict.objects.filter(number=account.number).select_related("agent")
    if account.server:
        open_ones = open_ones.filter(Q(server__in=["", account.server]) | Q(agent=account.agent_id))
    return list(open_ones)


def _others(account: Account) -> list[Account]:
    """The other member of its VS group, if any."""
    if account.vs_group_id is None:
        return []
    return list(Account.objects.filter(vs_group=account.vs_group_id).exclude(pk=account.pk))


@dataclass(frozen=True)
class Bar:
    """One poll in the chart of 4 by 32 units a poll: the oldest is leftmost."""

    x: int
    y: float
    height: float
    failed: bool
    says: str


def bars(recent: list[poll_log.Poll]) -> list[Bar]:
    slowest = max((poll.latency_ms for poll in recent), default=0) or 1
    shown = []
    for place, poll in enumerate(reversed(recent)):
        height = 32.0 if poll.code else max(30 * poll.latency_ms / slowest, 1.5)
        says = f"{poll.at:%H:%M:%S} UTC, {poll.latency_ms:,.0f} ms {poll.code}".strip()
        shown.append(Bar(place * 4, round(32 - height, 1), round(height, 1), bool(poll.code), says))
    return shown
