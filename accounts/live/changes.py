"""What a committed transaction changed, read once for both audiences: rows for pages, rendered, and
events for API clients, by the names of the API."""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

import msgspec
from django.db.models import Q

from accounts.fleet import fragments
from accounts.fleet.query import flagged
from accounts.live.message import Note, Rows, parts
from accounts.live.stream import Audiences, Item, Part
from accounts.models import Account, Agent
from accounts.payloads import COLUMNS, account_payload, json_of, members
from mt5monitor.database import FAULTS

log = logging.getLogger(__name__)
A = TypeVar("A")
B = TypeVar("B")

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


def read(batch: Batch, to: Audiences) -> list[Part]:
    """Return what to write of it for those who listen. `to` was asked before: two readings of a row
    are ordered by its clock, and what cannot be made of one thing is logged and left out. Raise
    FAULTS."""
    pages, clients, at = to
    now = datetime.now(UTC)
    accounts = _accounts(batch, pages) if batch.accounts or batch.agents else []
    agents = _agents(batch.agents) if batch.agents else []
    items = [*_items(accounts, agents, at, now), *_made(_built, batch.builds)] if clients else []
    numbers = {account.number for account in accounts}
    read_at = now.timestamp()
    seen = Note(read_at, sorted(numbers | batch.accounts), sorted(batch.agents), has_rows=pages)
    if not pages:
        return [Part(items, _json(seen) if seen.accounts or seen.agents else b"")]
    if not (accounts or agents or batch.accounts or batch.notes):
        return [Part(items)]
    rows: tuple[dict[int, str], dict[int, str]] = (
        dict(_made(lambda some: fragments.rendered_accounts(some, now).items(), accounts)),
        dict(_made(lambda some: fragments.rendered_agents(some, now).items(), agents)),
    )
    *first, last = (Rows(at=at, rows=part, agents=of) for part, of in parts(*rows))
    gone = batch.accounts - numbers
    last = msgspec.structs.replace(
        last, added=sorted(batch.added - gone), gone=sorted(gone), notes=sorted(batch.notes)
    )
    unseen = Note(read_at, has_rows=True)
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


def everything(at: float) -> list[Item]:
    """Return the items of all accounts and agents: later events differ from these."""
    now = datetime.now(UTC)
    accounts = list(Account.objects.for_rows().only(*COLUMNS))
    agents = list(Agent.objects.prefetch_related("accounts"))
    return _items(accounts, agents, at, now)


def _items(accounts: list[Account], agents: list[Agent], at: float, now: datetime) -> list[Item]:
    """Return an `account_update` of each account, and an `agent_status` of each agent, sent when
    its status or the reason differs. `at` and `now` are of before they were read."""
    of_accounts = _made(lambda rows: [_account_item(row, at, now) for row in rows], accounts)
    of_agents = _made(lambda rows: [_agent_item(row, at, now) for row in rows], agents)
    return [*of_accounts, *of_agents]


def _built(builds: Iterable[Build]) -> list[Item]:
    return [item for build in builds for item in build()]


def _made(make: Callable[[list[A]], Iterable[B]], of: list[A]) -> list[B]:
    """Return what is made of all of them together; when it fails, of each that it can be made of.
    One that cannot must not keep all others back. Raise FAULTS."""
    try:
        return list(make(of))
    except FAULTS:
        raise
    except Exception:
        if len(of) == 1:
            log.exception("A change could not be published: %r", of[0])
            return []
    return [made for one in of for made in _made(make, [one])]


def _account_item(row: Account, at: float, now: datetime) -> Item:
    payload = account_payload(row, 0, now)
    names = [*ALONG, *(name for name in payload if name not in (*ALONG, *NOT_FIELDS))]
    return Item(
        kind="account_update",
        accounts=str(row.number),
        body=members(now, **{name: payload[name] for name in WHO}),
        key=f"account:{row.pk}",
        at=f"{at:.6f}",
        names=names,
        values=[json_of(payload[name]) for name in names],
        along=len(ALONG),
        data=True,
    )


def _agent_item(row: Agent, at: float, now: datetime) -> Item:
    payload = {"agent_name": row.name, "status": row.status, "reason": row.status_reason or None}
    return Item(
        kind="agent_status",
        accounts=",".join(str(account.number) for account in row.accounts.all()),
        body=members(now, **payload),
        key=f"agent:{row.pk}",
        at=f"{at:.6f}",
        names=list(payload),
        values=[json_of(value) for value in payload.values()],
    )
