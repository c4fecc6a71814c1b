"""What a row shows, prepared as text: a row template then only places it, 0.1 ms each.

Rows depend on neither request nor user, so that one rendering serves every browser.
"""

from datetime import datetime
from typing import Final

from accounts.fleet import formatting
from accounts.fleet.agent_columns import AGENTS
from accounts.fleet.column import Row, fillers
from accounts.fleet.columns import FLEET
from accounts.models import Account, Agent
from accounts.poll_log import Poll

UNREPORTED: Final = formatting.unknown("Not told")
OF_ACCOUNTS: Final = fillers(FLEET)
OF_AGENTS: Final = fillers(AGENTS)


def account_row(account: Account, now: datetime) -> Row:
    """For an account of Account.objects.for_rows(), annotated by fleet.flagged()."""
    agent = account.agent
    row: Row = {
        "row": str(account.row),
        "key": account.key,
        "places": account.money_places,
        "agent_id": str(agent.pk) if agent else "",
        "seen": formatting.unix(account.seen_at),
        "stale_after": str(int(agent.stale_after.total_seconds())) if agent else "",
        "stale": account.is_stale(now),
        "unreported": UNREPORTED,
    }
    for fill in OF_ACCOUNTS:
        fill(row, account, now)
    return row


def agent_row(agent: Agent, poll: Poll | None, now: datetime) -> Row:
    """For an agent with its accounts prefetched; `poll` is its latest, None when not known."""
    row: Row = {
        "id": str(agent.pk),
        "url": agent.url,
        "poll": poll,
        "seen": formatting.unix(agent.last_seen_at),
        "stale_after": str(int(agent.stale_after.total_seconds())),
        "stale": agent.is_stale(now),
    }
    for fill in OF_AGENTS:
        fill(row, agent, now)
    return row
