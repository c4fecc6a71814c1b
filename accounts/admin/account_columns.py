"""Columns of the list of accounts: prepared text, in one look at the row."""

from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.utils import display_for_label

from accounts.fleet.column import Row
from accounts.fleet.rows import account_row
from accounts.models import Account, Agent

VARIANTS: dict[str, str] = {
    Agent.Status.ONLINE: "success",
    Agent.Status.OFFLINE: "danger",
    Agent.Status.ERROR: "danger",
    Agent.Status.TIMEOUT: "warning",
    Agent.Status.DISCONNECTED: "warning",
}


def state_label(state: str, name: str) -> SafeString:
    """The state as a coloured label; its name says the same."""
    label: SafeString = display_for_label((state, name), "", {state: VARIANTS.get(state)})
    return label


def reason_text(reason: str) -> SafeString:
    """The reason in small print; nothing when there is none."""
    if not reason:
        return format_html("")
    return format_html('<span class="reason" title="{}">{}</span>', reason, reason)


CONFLICT: SafeString = display_for_label(("conflict", "Conflict"), "", {"conflict": "warning"})


def row_of(account: Account) -> Row:
    row: Row | None = getattr(account, "_row", None)
    if row is None:
        row = account_row(account, timezone.now())
        account._row = row  # type: ignore[attr-defined]
    return row


class AccountColumns:
    """Mixed into AccountAdmin: the columns that the poller moves, and that the page re-reads."""

    LIVE = (
        "state",
        "age",
        "balance_now",
        "equity_now",
        "floating_now",
        "pl",
        "pl_pct",
        "used",
        "open",
    )

    @admin.display(description="state", ordering="agent__status")
    def state(self, account: Account) -> str:
        row = row_of(account)
        label = state_label(row["state"], row["state_name"])
        conflict = CONFLICT if row["conflict"] else ""
        shown = format_html("{}{}{}", label, conflict, reason_text(row["reason"]))
        # The list is too dense for the sentence: there it is told when pointed at.
        return format_html('<span title="{}">{}</span>', row["reason"], shown)

    @admin.display(description="age", ordering="agent__last_seen_at")
    def age(self, account: Account) -> str:
        row = row_of(account)
        return format_html(
            '<span class="{}">{}</span>', "stale" if row["stale"] else "", row["age"]
        )

    @admin.display(description="balance", ordering="balance")
    def balance_now(self, account: Account) -> str:
        return str(row_of(account)["balance"])

    @admin.display(description="equity", ordering="equity")
    def equity_now(self, account: Account) -> str:
        return str(row_of(account)["equity"])

    @admin.display(description="floating", ordering="floating")
    def floating_now(self, account: Account) -> str:
        return _signed(row_of(account), "floating", "floating_is")

    @admin.display(description="P/L", ordering="pl")
    def pl(self, account: Account) -> str:
        return _signed(row_of(account), "pl", "pl_is")

    @admin.display(description="P/L %", ordering="pl_pct")
    def pl_pct(self, account: Account) -> str:
        return _signed(row_of(account), "pl_pct", "pl_is")

    @admin.display(description="used", ordering="drawdown_used_pct")
    def used(self, account: Account) -> str:
        row = row_of(account)
        return format_html(
            '<span class="{}">{}</span>', "loss" if account.is_near_limit else "", row["used"]
        )

    @admin.display(description="open", ordering="open_positions")
    def open(self, account: Account) -> str:
        return str(row_of(account)["open"])

    def live_cells(self, account: Account) -> dict[str, Any]:
        return {name: getattr(self, name)(account) for name in self.LIVE}


def _signed(row: Row, name: str, direction: str) -> SafeString:
    return format_html('<span class="{}">{}</span>', row[direction], row[name])
