"""Accounts as JSON: what the API answers and what events carry, by the same names.

No library of the API is imported here, so that workers can write events without loading it.
"""

from datetime import datetime
from typing import Any

import msgspec

from accounts.models import Account

_encoder = msgspec.json.Encoder(decimal_format="number")


def json_of(value: Any) -> str:
    """Return it as JSON; decimals are exact numbers."""
    return _encoder.encode(value).decode()


def members(now: datetime, **fields: Any) -> str:
    """Return the members of a JSON object, without its braces. `now`: before the rows were read."""
    return json_of(fields | {"timestamp": now})[1:-1]


# The columns of an account payload: half of a row, and reading them takes most of the time.
COLUMNS = (
    *(
        "number",
        "server",
        "name",
        "balance",
        "connected",
        "days_operating",
        "open_positions",
        "holder",
    ),
    *("initial_balance", "currency", "equity", "credit", "floating", "margin_free"),
    *(f"agent__{name}" for name in ("name", "status", "status_reason", "last_seen_at")),
    *("agent__stale_after", "agent__enabled", "phase__name", "firm__name", "vs_group__name"),
)


def account_payload(row: Account, number: int, now: datetime) -> dict[str, Any]:
    """Return the fields of one account. `number`: its place in the list, from 1."""
    agent, positions = row.agent, row.open_positions
    return {
        "row_number": number,
        "account_number": row.number,
        "account_id": row.pk,
        "server": row.server or None,
        "account_name": row.name,
        "balance": row.balance,
        "status": "connected" if is_connected(row, now) else "disconnected",
        "phase": row.phase.name if row.phase else None,
        "days_operating": row.days_operating,
        "has_open_position": None if positions is None else positions > 0,
        "vps_source": agent.name if agent else None,
        "last_updated": row.seen_at,
        "account_holder": row.holder or None,
        "prop_firm": row.firm.name if row.firm else None,
        "initial_balance": row.initial_balance,
        "vs_group": row.vs_group.name if row.vs_group else None,
        "currency": row.currency or None,
        "equity": row.equity,
        "credit": row.credit,
        "floating": row.floating,
        "profit": row.pl_now,
        "open_positions": positions,
        "margin_free": row.margin_free,
        "stale": row.is_stale(now),
        "agent_status": row.state(),
        "reason": agent.status_reason or None if agent else None,
    }


def is_connected(row: Account, now: datetime) -> bool:
    """Return whether the terminal was connected to its broker, by a reading that is not stale."""
    return not row.is_stale(now)
