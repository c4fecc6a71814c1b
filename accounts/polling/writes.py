"""What is to be written of a batch of replies; every update names its columns.

Other processes write the same rows at the same time. A plan is made from rows that nobody holds;
`hold` takes them, and says whether they are still those that the plan was made from.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.changes import lock_rows, locked, write_changes
from accounts.models import Account, Agent, Conflict, Phase, Position
from accounts.models.position import POLLED as POSITION_COLUMNS
from accounts.polling.initial_values import Seeds
from accounts.quotas import Ledger

Columns = dict[str, Any]


@dataclass
class Writes:
    """`agents` and `accounts` are columns by primary key, `positions` pairs of the two."""

    agents: dict[int, Columns] = field(default_factory=dict)
    accounts: dict[int, Columns] = field(default_factory=dict)
    new_accounts: list[Account] = field(default_factory=list)
    positions: list[tuple[int, Columns]] = field(default_factory=list)
    new_positions: list[Position] = field(default_factory=list)
    gone_positions: list[int] = field(default_factory=list)
    new_conflicts: list[Conflict] = field(default_factory=list)
    gone_conflicts: list[int] = field(default_factory=list)
    seeds: Seeds = field(default_factory=Seeds)
    quotas: Ledger = field(default_factory=lambda: Ledger(()))
    # As the plan found them: when these agents were last heard, whose these accounts were.
    heard: dict[int, datetime | None] = field(default_factory=dict)
    owners: dict[int, int | None] = field(default_factory=dict)
    namesakes: set[int] = field(default_factory=set)
    """Which accounts had the number of a new one, at other servers."""

    def __bool__(self) -> bool:
        # A position never changes without its account.
        return bool(
            self.agents
            or self.accounts
            or self.new_accounts
            or self.new_conflicts
            or self.gone_conflicts
            or self.seeds
        )

    def hold(self) -> bool:
        """Locks the rows for the rest of the caller's transaction, agents before accounts.

        Returns whether the plan still fits. If not, another process has written a reading of one
        of these agents, or moved, deleted or added one of these accounts: make the plan again.
        """
        heard = locked(Agent, self.heard, "last_seen_at")
        if self.new_accounts:
            lock_rows(Phase, filter(None, [Phase.default_id()]))  # so they are added in turn
        owners = locked(Account, self.owners, "agent_id")
        return (heard, owners) == (self.heard, self.owners) and self._is_new()

    def _is_new(self) -> bool:
        """Whether the accounts to be added are still as unknown as the plan took them for."""
        added = [account.number for account in self.new_accounts]
        found = Account.objects.filter(number__in=added).values_list("pk", flat=True)
        return not added or set(found) == self.namesakes

    def write(self) -> None:
        """The caller holds the transaction, and the rows."""
        write_changes(Agent, self.agents.items())
        write_changes(Account, self.accounts.items())
        self._write_new_accounts()
        if self.gone_positions:
            Position.objects.filter(pk__in=self.gone_positions).delete()
        write_changes(Position, self.positions)
        self._write_new_positions()
        if self.gone_conflicts:
            Conflict.objects.filter(pk__in=self.gone_conflicts).delete()
        Conflict.objects.bulk_create(self.new_conflicts)
        self.seeds.write()
        self.quotas.write()

    def _write_new_accounts(self) -> None:
        if not self.new_accounts:
            return
        phase_id = Phase.default_id()
        for account in self.new_accounts:
            account.phase_id = phase_id
        self.seeds.set_on(self.new_accounts)
        Account.objects.bulk_create(self.new_accounts)
        Account.objects.mark_shared(account.number for account in self.new_accounts)

    def _write_new_positions(self) -> None:
        """One that is there by now gets the figures of this reading; that is no error."""
        if self.new_positions:
            Position.objects.bulk_create(
                self.new_positions,
                update_conflicts=True,
                unique_fields=["account", "ticket"],
                update_fields=POSITION_COLUMNS,
            )
