"""Who changed a label of an account last, by the history of edits: this import, or a person.

What a person said here counts more than what stood in the original.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from accounts.models import Account, Agent, Phase, VSGroup
from trading.original.strict import REASON


class Hand(NamedTuple):
    """`by`: the person's name; empty for one of no name."""

    at: datetime
    is_import: bool
    by: str

    @property
    def words(self) -> str:
        who = f"by {self.by} " if self.by else ""
        return f"{who}on {self.at:%Y-%m-%d %H:%M} UTC"


class Hands:
    """The last change of each label, of the accounts with these numbers."""

    def __init__(self, numbers: Collection[int]) -> None:
        self._records: dict[int, list[dict[str, Any]]] = defaultdict(list)
        self._default = Phase.default_id()
        records = Account.history.filter(number__in=numbers).order_by("history_date", "history_id")
        how = ("history_date", "history_type", "history_change_reason", "history_user__username")
        for record in records.values("number", "phase_id", "vs_group_id", *how):
            self._records[record["number"]].append(record)

    def on_phase(self, number: int) -> Hand | None:
        """None: it is as the account began, in the default phase."""
        return self._last(number, "phase_id", self._default)

    def on_group(self, number: int) -> Hand | None:
        return self._last(number, "vs_group_id", None)

    def was_taken(self, number: int) -> bool:
        """Whether this import made the account, or changed it."""
        return any(record["history_change_reason"] == REASON for record in self._records[number])

    def _last(self, number: int, column: str, before: int | None) -> Hand | None:
        last = None
        for record in self._records[number]:
            if record[column] != before and record["history_type"] != "-":
                last, before = record, record[column]
        if last is None:
            return None
        is_import = last["history_change_reason"] == REASON
        return Hand(last["history_date"], is_import, last["history_user__username"] or "")


def taken_agents() -> set[tuple[str, str]]:
    """(name, URL) of each agent as this import added it, wherever it is by now."""
    added = Agent.history.filter(history_change_reason=REASON, history_type="+")
    return set(added.values_list("name", "url"))


def names_of_groups() -> dict[int, set[str]]:
    """Every name that each VS group has or had, by its primary key; folded."""
    names: dict[int, set[str]] = defaultdict(set)
    for pk, name in VSGroup.history.values_list("id", "name"):
        names[pk].add(name.casefold())
    return names
