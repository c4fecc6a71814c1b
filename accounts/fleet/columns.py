"""The columns of the fleet, in their order on the page and in exports.

To add one, add it to FLEET: its heading, cell, place in the sort menu, order, total and export
follow from there. Three things are a matter of design, and tests say which is missing:

- its width, and its side where that is the left, in page.css
- its place on phones in narrow.css, or that it has none
- its cell in templates/accounts/_account_row.html, where it has none of the shapes of column.py,
  and what it shows in account_cells.py

The list of accounts in the admin has columns of its own: admin/account_columns.py.
"""

from typing import Final

from django.db.models import F, Value
from django.db.models.functions import Length, NullIf

from accounts.exports.table import Kind
from accounts.fleet import account_cells as cells
from accounts.fleet.account_cells import name_of
from accounts.fleet.column import (
    Age,
    Align,
    Column,
    Export,
    FileOnly,
    Money,
    Own,
    Plain,
    SignedMoney,
    Sort,
    Text,
    Total,
    export,
    file_only,
)
from accounts.fleet.states import account_state
from accounts.models import Account
from accounts.models.figures import drawdown_left


def _filled(field: str) -> NullIf:
    """A text column for sorting: it holds "" for unknown, which goes last as NULL does."""
    return NullIf(F(field), Value(""))


FLEET: Final[tuple[Column[Account], ...]] = (
    Column(
        "number",
        "Account",
        Own(cells.number, export(Kind.ID, lambda account: account.number), Align.LEFT),
        sort=Sort(["number"]),
        on_phones=True,
        selects=True,
    ),
    Column("name", "Name", Text(lambda account: account.name), sort=Sort([_filled("name")])),
    Column(
        "holder",
        "Holder",
        Text(lambda account: account.holder),
        sort=Sort([_filled("holder")]),
        on_phones=True,
    ),
    Column(
        "firm",
        "Firm",
        Text(lambda account: name_of(account.firm)),
        sort=Sort(["firm__name"]),
        on_phones=True,
    ),
    Column(
        "phase",
        "Phase",
        Own(cells.phase, export(Kind.TEXT, lambda account: name_of(account.phase)), Align.LEFT),
        sort=Sort(["phase__order", "phase__name"]),
        on_phones=True,
    ),
    Column(
        "vs",
        "VS",
        Own(cells.vs, export(Kind.TEXT, lambda account: name_of(account.vs_group)), Align.LEFT),
        title="VS group",
        hint="VS group, the pair side by side",
        # VS2 before VS10, and the pair side by side whichever way it is sorted.
        sort=Sort([Length("vs_group__name"), "vs_group__name"], then=["vs_slot"]),
        on_phones=True,
    ),
    file_only("VS slot", Kind.TEXT, lambda account: account.vs_slot),
    file_only("Server", Kind.TEXT, lambda account: account.server),
    file_only("Currency", Kind.TEXT, lambda account: account.currency),
    file_only("Initial balance", Kind.MONEY, lambda account: account.initial_balance),
    Column(
        "balance",
        "Balance",
        Money(lambda account: account.balance),
        sort=Sort(["balance"], largest_first=True),
        total=Total("balance"),
        on_phones=True,
    ),
    Column(
        "equity",
        "Equity",
        Money(lambda account: account.equity),
        sort=Sort(["equity"], largest_first=True),
    ),
    file_only("Credit", Kind.MONEY, lambda account: account.credit),
    Column(
        "floating",
        "Floating",
        SignedMoney(lambda account: account.floating),
        hint="Profit of the open positions",
        sort=Sort(["floating"], largest_first=True),
        total=Total("floating", signed=True),
        on_phones=True,
    ),
    Column(
        "pl",
        "P/L",
        SignedMoney(lambda account: account.pl_now),
        hint="Balance minus initial balance",
        sort=Sort(["pl"], largest_first=True),
    ),
    Column(
        "pl_pct",
        "P/L %",
        Own(cells.pl_pct, export(Kind.NUMBER, lambda account: cells.rounded(account.pl_pct_now))),
        hint="P/L in percent of the initial balance",
        sort=Sort(["pl_pct"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "used",
        "DD used",
        Own(cells.used, export(Kind.NUMBER, cells.used_percent, "Drawdown used %")),
        title="Drawdown used",
        hint="Part of the drawdown limit that is used up",
        sort=Sort(["drawdown_used_pct"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "left",
        "DD left",
        Own(cells.left, export(Kind.MONEY, lambda account: account.drawdown_left)),
        title="Drawdown left",
        hint="Money until the drawdown limit",
        sort=Sort([drawdown_left()]),
    ),
    Column(
        "days",
        "Days",
        Plain(cells.days, export(Kind.ID, lambda account: account.days_operating)),
        title="Days operating",
        hint="Days operating",
        sort=Sort(["days_operating"], largest_first=True),
    ),
    Column(
        "open",
        "Pos.",
        Plain(cells.open_positions, export(Kind.ID, lambda account: account.open_positions)),
        title="Open positions",
        hint="Open positions",
        sort=Sort(["open_positions"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "agent",
        "Agent",
        Text(lambda account: str(account.agent or "")),
        sort=Sort(["agent__display_name", "agent__name"]),
    ),
    Column(
        "state",
        "State",
        Own(cells.state, export(Kind.TEXT, lambda account: account_state(account)[1]), Align.LEFT),
        sort=Sort(["agent__status", "connected"]),
        on_phones=True,
    ),
    file_only("Reason", Kind.TEXT, cells.reason),
    Column(
        "Stale",
        "Stale",
        FileOnly(Export(Kind.TEXT, lambda account, now: "yes" if account.is_stale(now) else "no")),
    ),
    Column(
        "age",
        "Age",
        Age(cells.age, Export(Kind.ID, cells.seconds, "Age, s")),
        hint="How old the figures are",
        sort=Sort(["agent__last_seen_at"], largest_first=True, turned=True),
        on_phones=True,
    ),
    file_only("Figures of (UTC)", Kind.TIME, lambda account: account.seen_at),
)
