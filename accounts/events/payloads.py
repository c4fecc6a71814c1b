"""What is told of accounts and agents: by the names of the API, as the rows are now."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Q
from django.utils import timezone

from accounts.events.stream import Item
from accounts.models import Account, Agent
from accounts.payloads import COLUMNS, account_payload, json_of, members

ALONG = ("last_updated",)  # moves with every poll, and is no news by itself
WHO = ("account_number", "account_id", "server")
NOT_FIELDS = ("row_number", "account_number", "account_id")


def of_accounts(numbers: Iterable[int], agents: Iterable[int] = ()) -> list[Item]:
    """`account_update` of each that exists, and of each that one of these agents reports."""
    now = timezone.now()
    asked = Q(number__in=list(numbers)) | Q(agent__in=list(agents))
    rows = Account.objects.for_rows().only(*COLUMNS).filter(asked)
    return [_of_account(row, now) for row in rows]


def _of_account(row: Account, now: datetime) -> Item:
    told = account_payload(row, 0, now)
    names = [*ALONG, *(name for name in told if name not in (*ALONG, *NOT_FIELDS))]
    return Item(
        kind="account_update",
        accounts=str(row.number),
        body=members(now, **{name: told[name] for name in WHO}),
        key=f"account:{row.pk}",
        at=f"{now.timestamp():.6f}",
        names=names,
        values=[json_of(told[name]) for name in names],
        along=len(ALONG),
        data=True,
    )


def of_agents(ids: Iterable[int]) -> list[Item]:
    """`agent_status` of each that exists, when its status or the reason differs."""
    now = timezone.now()
    agents = Agent.objects.filter(pk__in=list(ids)).prefetch_related("accounts")
    return [_of_agent(row, now) for row in agents]


def _of_agent(row: Agent, now: datetime) -> Item:
    told = {"agent_name": row.name, "status": row.status, "reason": row.status_reason or None}
    return Item(
        kind="agent_status",
        accounts=",".join(str(account.number) for account in row.accounts.all()),
        body=members(now, **told),
        key=f"agent:{row.pk}",
        at=f"{now.timestamp():.6f}",
        names=list(told),
        values=[json_of(value) for value in told.values()],
    )


def everything() -> list[Item]:
    """Of all accounts and agents: what is told from here on differs from that."""
    numbers = Account.objects.values_list("number", flat=True)
    agents = Agent.objects.values_list("pk", flat=True)
    return [*of_accounts(numbers), *of_agents(agents)]
