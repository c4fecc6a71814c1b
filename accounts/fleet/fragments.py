"""Parts of pages, rendered by the templates that the pages use: once for every open browser."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.http import QueryDict
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import poll_log
from accounts.fleet.panel import panel_context
from accounts.fleet.query import Fleet, flagged
from accounts.fleet.rows import account_row, agent_row
from accounts.models import Account, Agent
from accounts.models.accountset import ROWS_BY_ID

ROW = "accounts/_account_row.html"
AGENT_ROW = "accounts/_agent_row.html"


def account_rows(rows: Iterable[int]) -> dict[int, str]:
    """The fleet rows of these Account.row, or of all that have these numbers, in one query; unknown
    ones are left out."""
    return rendered_accounts(flagged(Account.objects.for_rows().of_rows(rows)), timezone.now())


def rendered_accounts(accounts: Iterable[Account], now: datetime) -> dict[int, str]:
    """Return the fleet rows of these accounts, flagged and with all that a row shows, by
    Account.row."""
    return {
        account.row: render_to_string(ROW, {"row": account_row(account, now)})
        for account in accounts
    }


def agent_rows(ids: Iterable[int]) -> dict[int, str]:
    """The rows of these agents by id, in two queries; unknown ids are left out."""
    agents = Agent.objects.filter(pk__in=list(ids)).prefetch_related("accounts")
    return rendered_agents(list(agents), timezone.now())


def rendered_agents(agents: Sequence[Agent], now: datetime) -> dict[int, str]:
    """Return the rows of these agents by id."""
    latest = poll_log.latest([agent.pk for agent in agents]) if agents else {}
    return {
        agent.pk: render_to_string(AGENT_ROW, {"row": agent_row(agent, latest.get(agent.pk), now)})
        for agent in agents
    }


def totals(query: str) -> str:
    """The inside of #totals for the filters in this query string, over the whole fleet."""
    fleet = Fleet(QueryDict(query.removeprefix("?")).dict(), timezone.now())
    return render_to_string("accounts/_totals.html", {"fleet": fleet, "totals": fleet.totals})


def account_panel(row: int) -> str:
    """#account-panel with all of it, by Account.row. Raises Account.DoesNotExist, also for a number
    that several have by now."""
    account = flagged(Account.objects.for_rows().of_rows([row])).get(shares_number=row > ROWS_BY_ID)
    return render_to_string("accounts/_account_panel.html", panel_context(account, timezone.now()))
