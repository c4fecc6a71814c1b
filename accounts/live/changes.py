"""What a committed transaction changed, read once for both audiences: rows for pages, rendered, and
events for API clients, by the names of the API."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from django.db.models import Q

from accounts.fleet import fragments
from accounts.fleet.query import flagged
from accounts.live.message import Note, Rows, parts
from accounts.live.stream import Item, Part
from accounts.models import Account, Agent
from accounts.payloads import COLUMNS, account_payload, json_of, members

ALONG = ("last_updated",)  # moves with every poll, and is no news by itself
WHO = ("account_number", "account_id", "server")
NOT_FIELDS = ("row_number", "account_number", "account_id")

Build = Callable[[], Iterable[Item]]
"""Makes the items of a transaction that has committed; it may query."""


@dataclass
class Batch:
    """What one transaction publishes: numbers of accounts, ids of agents, names of notes."""

    accounts: set[int] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    added: set[int] = field(default_factory=set)
    notes: set[str] = field(default_factory=set)
    builds: list[Build] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.accounts or self.agents or self.notes or self.builds)

    def add(self, other: "Batch") -> None:
        self.accounts |= other.accounts
        self.agents |= other.agents
        self.added |= other.added
        self.notes |= other.notes
        self.builds += other.builds


def read(batch: Batch, *, pages: bool, clients: bool) -> list[Part]:
    """Return what to write of it, for the audiences that listen."""
    at = time.time()  # before the rows are read: the order of entries about a row
    now = datetime.fromtimestamp(at, UTC)
    accounts = _accounts(batch, pages) if batch.accounts or batch.agents else []
    agents = _agents(batch.agents) if batch.agents else []
    items = [*account_items(accounts, now), *agent_items(agents, now)] if clients else []
    for build in batch.builds if clients else ():
        items += build()
    numbers = {account.number for account in accounts}
    seen = Note(at, sorted(numbers | batch.accounts), sorted(batch.agents), has_rows=pages)
    if not pages:
        return [Part(items, _json(seen) if seen.accounts or seen.agents else b"")]
    if not (accounts or agents or batch.accounts or batch.notes):
        return [Part(items)]
    rows = fragments.rendered_accounts(accounts, now), fragments.rendered_agents(agents, now)
    *first, last = (Rows(at=at, rows=part, agents=of) for part, of in parts(*rows))
    gone = batch.accounts - numbers
    last = msgspec.structs.replace(
        last, added=sorted(batch.added - gone), gone=sorted(gone), notes=sorted(batch.notes)
    )
    unseen = Note(at, has_rows=True)
    return [*(Part((), _json(unseen), one) for one in first), Part(items, _json(seen), last)]


def _json(note: Note) -> bytes:
    return msgspec.json.encode(note)


def _accounts(batch: Batch, pages: bool) -> list[Account]:
    """In one query. API clients need half the columns, and no conflicts."""
    asked = Q(number__in=list(batch.accounts))
    if batch.agents:
        asked |= Q(agent__in=list(batch.agents))
    rows = Account.objects.for_rows().filter(asked)
    return list(flagged(rows) if pages else rows.only(*COLUMNS))


def _agents(ids: Iterable[int]) -> list[Agent]:
    return list(Agent.objects.filter(pk__in=list(ids)).prefetch_related("accounts"))


def everything() -> list[Item]:
    """Return the items of all accounts and agents: later events differ from these."""
    now = datetime.now(UTC)
    accounts = Account.objects.for_rows().only(*COLUMNS)
    agents = Agent.objects.prefetch_related("accounts")
    return [*account_items(accounts, now), *agent_items(agents, now)]


def account_items(accounts: Iterable[Account], now: datetime) -> list[Item]:
    """Return an `account_update` of each. `now`: before they were read."""
    return [_account_item(row, now) for row in accounts]


def _account_item(row: Account, now: datetime) -> Item:
    payload = account_payload(row, 0, now)
    names = [*ALONG, *(name for name in payload if name not in (*ALONG, *NOT_FIELDS))]
    return Item(
        kind="account_update",
        accounts=str(row.number),
        body=members(now, **{name: payload[name] for name in WHO}),
        key=f"account:{row.pk}",
        at=f"{now.timestamp():.6f}",
        names=names,
        values=[json_of(payload[name]) for name in names],
        along=len(ALONG),
        data=True,
    )


def agent_items(agents: Iterable[Agent], now: datetime) -> list[Item]:
    """Return an `agent_status` of each, sent when its status or the reason differs."""
    return [_agent_item(row, now) for row in agents]


def _agent_item(row: Agent, now: datetime) -> Item:
    payload = {"agent_name": row.name, "status": row.status, "reason": row.status_reason or None}
    return Item(
        kind="agent_status",
        accounts=",".join(str(account.number) for account in row.accounts.all()),
        body=members(now, **payload),
        key=f"agent:{row.pk}",
        at=f"{now.timestamp():.6f}",
        names=list(payload),
        values=[json_of(value) for value in payload.values()],
    )
