"""What a row shows, prepared as text: a row template then only places it, 0.1 ms each.

Rows depend on neither request nor user, so that one rendering serves every browser.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.fleet import formatting
from accounts.models import Account, Agent
from accounts.poll_log import Poll

Row = dict[str, Any]

NO_LIMIT = formatting.unknown("No drawdown limit known")
NO_POSITIONS = formatting.unknown("Positions could not be read")
UNTOLD = formatting.unknown("Not told")
NEVER = formatting.unknown("Never seen")

STATES = {
    Agent.Status.ONLINE: "Online",
    Agent.Status.OFFLINE: "Offline",
    Agent.Status.TIMEOUT: "Timeout",
    Agent.Status.ERROR: "Error",
    Agent.Status.DISCONNECTED: "Disconnected",
    Agent.Status.UNKNOWN: "Not polled",
}
DISABLED = ("disabled", "Not enabled")


def account_row(account: Account, now: datetime) -> Row:
    """For an account of Account.objects.for_rows(), annotated by fleet.flagged()."""
    return {
        "number": str(account.number),
        "title": account.title,
        "server": account.server_shown,
        "key": account.key,
        "row": str(account.row),
        "name": account.name,
        "holder": account.holder,
        "firm": account.firm.name if account.firm else "",
        "untold": UNTOLD,
        "conflict": getattr(account, "in_conflict", False),
        **_labels(account),
        **_money(account),
        **_drawdown(account),
        **_freshness(account, now),
    }


def _labels(account: Account) -> Row:
    phase, group = account.phase, account.vs_group
    return {
        "phase": phase.name if phase else "",
        "phase_color": phase.color if phase else "none",
        "vs": group.name if group else "",
        "slot": account.vs_slot,
    }


def _money(account: Account) -> Row:
    pl, days, places = account.pl_now, account.days_operating, account.money_places
    return {
        "balance": formatting.money(account.balance, places),
        "balance_value": formatting.plain(account.balance),
        "equity": formatting.money(account.equity, places),
        "equity_value": formatting.plain(account.equity),
        "floating": formatting.signed_money(account.floating, places),
        "floating_value": formatting.plain(account.floating),
        "floating_is": formatting.direction(account.floating),
        "pl": formatting.signed_money(pl, places),
        "pl_value": formatting.plain(pl),
        "pl_pct": formatting.signed_percent(account.pl_pct_now),
        "pl_is": formatting.direction(pl),
        "days": formatting.UNKNOWN if days is None else str(days),
        "open": _open(account),
    }


def _open(account: Account) -> str:
    if account.open_positions is not None:
        return str(account.open_positions)
    return formatting.unknown(account.positions_error) if account.positions_error else NO_POSITIONS


def _drawdown(account: Account) -> Row:
    share, left = account.drawdown_used_share, account.drawdown_left
    if share is None or left is None:
        return {"used": NO_LIMIT, "meter": "", "left": NO_LIMIT}
    return {
        "used": f"{share * 100:.0f}%",
        "used_is": "loss" if account.is_near_limit else "",
        "meter": f"{min(share, Decimal(1)):.2f}",
        "left": formatting.money(left, account.money_places),
        "left_value": formatting.plain(left),
        "left_is": "loss" if left <= 0 else "",
    }


def _freshness(account: Account, now: datetime) -> Row:
    agent, seen = account.agent, account.seen_at
    state, state_name = _state(account)
    return {
        "agent_id": str(agent.pk) if agent else "",
        "agent": str(agent) if agent else "",
        "state": state,
        "state_name": state_name,
        "reason": agent.status_reason if agent and not agent.is_online else "",
        "seen": formatting.unix(seen),
        "age": formatting.age(seen, now) if seen else NEVER,
        "stale_after": str(int(agent.stale_after.total_seconds())) if agent else "",
        "stale": account.is_stale(now),
    }


def state_name(account: Account) -> str:
    """As rows show it."""
    return _state(account)[1]


def _state(account: Account) -> tuple[str, str]:
    """Class and name. An agent that is not enabled says nothing, whatever it said last."""
    if account.agent is None:
        return account.state(), "No agent"
    if not account.agent.enabled:
        return DISABLED
    return account.state(), STATES[Agent.Status(account.state())]


def agent_row(agent: Agent, poll: Poll | None, now: datetime) -> Row:
    """For an agent with its accounts prefetched; `poll` is its latest, None when not known."""
    known = agent.status, STATES[Agent.Status(agent.status)]
    state, state_name = known if agent.enabled else DISABLED
    return {
        "id": str(agent.pk),
        "name": str(agent),
        "url": agent.url,
        "contract": agent.contract,
        "state": state,
        "state_name": state_name,
        "since": agent.status_since,
        "since_unix": formatting.unix(agent.status_since),
        "since_age": formatting.age(agent.status_since, now),
        "latency": latency(poll),
        "failures": str(agent.failures),
        "reason": agent.status_reason,
        "code": agent.status_code,
        "seen": formatting.unix(agent.last_seen_at),
        "age": formatting.age(agent.last_seen_at, now) if agent.last_seen_at else NEVER,
        "stale_after": str(int(agent.stale_after.total_seconds())),
        "stale": agent.is_stale(now),
        "next": formatting.unix(agent.next_poll_at) if agent.enabled else "",
        "next_in": next_in(agent, now),
        "urgency": agent.urgency if agent.enabled else "",
        "every": f"Every {agent.interval.total_seconds():g} s: {agent.interval_reason}",
        "accounts": [(account.key, account.title) for account in agent.accounts.all()],
    }


def latency(poll: Poll | None) -> str:
    return formatting.unknown("No recent poll") if poll is None else f"{poll.latency_ms:,.0f} ms"


def next_in(agent: Agent, now: datetime) -> str:
    """Until the next poll, to the second; "now" when less than a second is left."""
    if not agent.enabled:
        return formatting.unknown("Not polled: the agent is not enabled")
    left = agent.next_poll_at - now
    return "now" if left < timedelta(seconds=1) else f"in {formatting.span(left)}"
