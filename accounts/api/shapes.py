"""Accounts and agents as the API tells them: the original's names first, ours beside them.

What is not known is null, never 0 and never a default.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from ninja import Field, Schema

from accounts.fleet.states import STATES
from accounts.fleet.totals import UNTOLD, Money
from accounts.models import Account, Agent
from accounts.payloads import account_payload
from accounts.wording import either


class Problem(Schema):
    """What every error is."""

    detail: str = Field(description="a sentence: what is wrong, and what to do")


class Choice(Schema):
    account_number: int
    account_id: int
    server: str | None


class Choices(Problem):
    """Several accounts have the number: name one by `server` or `account_id`."""

    choices: list[Choice]


class AccountOut(Schema):
    row_number: int
    account_number: int
    account_id: int = Field(description="ours; an account is a login at a server, and keeps its id")
    server: str | None = Field(description="the broker's; null: not known, as with contract 1")
    account_name: str
    balance: float | None
    status: str = Field(description="connected or disconnected: terminal to broker, as last read")
    phase: str | None
    days_operating: int | None
    has_open_position: bool | None
    vps_source: str | None = Field(description="the agent that reports it")
    last_updated: datetime | None = Field(description="when its figures were last confirmed")
    account_holder: str | None
    prop_firm: str | None
    initial_balance: float | None
    vs_group: str | None
    currency: str | None
    equity: float | None = Field(description="as the terminal states it: credit is part of it")
    credit: float | None = Field(description="lent by the broker; null: the agent reports none")
    floating: float | None = Field(description="profit of the open positions")
    profit: float | None = Field(description="balance less initial balance")
    open_positions: int | None
    margin_free: float | None
    stale: bool = Field(description="its figures are old, or the last reading failed")
    agent_status: str
    reason: str | None = Field(description="why the agent is in that state")


class AccountsOut(Schema):
    accounts: list[AccountOut]
    total_accounts: int
    connected_accounts: int
    disconnected_accounts: int
    total_balance: float | None = Field(
        description="of the accounts whose figures are fresh; null: none is, or currencies differ"
    )
    balances: dict[str, float] = Field(
        description=f"the same by currency; “{UNTOLD}”: of agents that do not tell it"
    )
    last_refresh: datetime | None = Field(description="the latest reading of any of them")
    fresh_accounts: int


def fleet(rows: Iterable[Account], now: datetime) -> dict[str, Any]:
    told = [account_payload(row, number, now) for number, row in enumerate(rows, 1)]
    connected = sum(one["status"] == "connected" for one in told)
    fresh = [one for one in told if not one["stale"] and one["balance"] is not None]
    money = Money()
    for one in fresh:
        money.add(one["currency"] or "", one["balance"], 1)
    sums = [(currency or UNTOLD, total) for currency, total in money.lines]
    seen = [one["last_updated"] for one in told if one["last_updated"]]
    return {
        "accounts": told,
        "total_accounts": len(told),
        "connected_accounts": connected,
        "disconnected_accounts": len(told) - connected,
        "total_balance": _only(sums) if told else Decimal(0),
        "balances": dict(sums),
        "last_refresh": max(seen, default=None),
        "fresh_accounts": len(fresh),
    }


def _only(sums: list[tuple[str, Decimal]]) -> Decimal | None:
    """Money of several currencies is no sum."""
    return sums[0][1] if len(sums) == 1 else None


class AgentOut(Schema):
    agent_name: str
    agent_url: str
    status: str = Field(description=either(STATES))
    accounts_count: int
    last_checked: datetime | None
    last_seen: datetime | None = Field(description="the last reading that counted")
    reason: str | None
    enabled: bool
    contract: str
    poll_interval_s: float = Field(description="between two polls while it answers")
    poll_urgency: str | None = Field(
        description="critical, active, standard, inactive, idle, or fixed by a person"
    )
    poll_reason: str | None = Field(description="why it is polled that often")
    next_poll: datetime | None = Field(description="null: it is not enabled")


def agent(row: Agent, accounts: int) -> dict[str, Any]:
    return {
        "agent_name": row.name,
        "agent_url": row.url,
        "status": row.status,
        "accounts_count": accounts,
        "last_checked": row.polled_at,
        "last_seen": row.last_seen_at,
        "reason": row.status_reason or None,
        "enabled": row.enabled,
        "contract": row.contract,
        "poll_interval_s": row.interval.total_seconds(),
        "poll_urgency": row.urgency or None,
        "poll_reason": row.interval_reason or None,
        "next_poll": row.next_poll_at if row.enabled else None,
    }
