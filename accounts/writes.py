"""What is to be written of a batch of replies; every update names its columns."""

from dataclasses import dataclass, field
from typing import Any

from accounts.changes import lock_rows, write_changes
from accounts.models import Account, Agent, Conflict, Phase, Position
from accounts.seeds import Seeds

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

    def write(self) -> None:
        """The caller holds the transaction."""
        lock_rows(Agent, self.agents)
        lock_rows(Account, self.accounts)
        write_changes(Agent, self.agents.items())
        write_changes(Account, self.accounts.items())
        self._write_new_accounts()
        if self.gone_positions:
            Position.objects.filter(pk__in=self.gone_positions).delete()
        write_changes(Position, self.positions)
        Position.objects.bulk_create(self.new_positions)
        if self.gone_conflicts:
            Conflict.objects.filter(pk__in=self.gone_conflicts).delete()
        Conflict.objects.bulk_create(self.new_conflicts)
        self.seeds.write()

    def _write_new_accounts(self) -> None:
        if not self.new_accounts:
            return
        phase_id = Phase.default_id()
        for account in self.new_accounts:
            account.phase_id = phase_id
        self.seeds.set_on(self.new_accounts)
        Account.objects.bulk_create(self.new_accounts)
