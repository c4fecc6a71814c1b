"""The columns of the fleet, in their order on the page and in exports.

To add one, add it to FLEET: its heading, cell, place in the sort menu, order, total and export
follow from there. Three things are a matter of design, and tests say which is missing:

- its width, and its side where that is the left, in page.css
- its place on phones in narrow.css, or that it has none
- its cell in templates/accounts/_account_row.html, where it has none of the shapes of column.py

The list of accounts in the admin has columns of its own: admin/account_columns.py.
"""

from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db.models import F, Value
from django.db.models.functions import Length, NullIf

from accounts.exports.table import Kind
from accounts.fleet import formatting
from accounts.fleet.column import (
    Age,
    Align,
    Column,
    Export,
    FileOnly,
    Money,
    Own,
    Plain,
    Row,
    SignedMoney,
    Sort,
    Text,
    Total,
    export,
    file_only,
)
from accounts.fleet.states import account_state
from accounts.models import Account, Firm, Phase, VSGroup
from accounts.models.figures import drawdown_left

NO_LIMIT: Final = formatting.unknown("No drawdown limit known")
NO_POSITIONS: Final = formatting.unknown("Positions could not be read")
NEVER: Final = formatting.unknown("Never seen")
PLACES: Final = Decimal("0.0001")  # of a quotient, which has any number of digits


def _name(label: Firm | Phase | VSGroup | None) -> str:
    return "" if label is None else label.name


def _filled(field: str) -> NullIf:
    """A text column for sorting: it holds "" for unknown, which goes last as NULL does."""
    return NullIf(F(field), Value(""))


# --- what the cells show ------------------------------------------------------------------------
def _number(row: Row, account: Account, now: datetime) -> None:
    row["number"] = str(account.number)
    row["title"] = account.title
    row["server"] = account.server_shown
    row["conflict"] = getattr(account, "in_conflict", False)


def _phase(row: Row, account: Account, now: datetime) -> None:
    row["phase"] = _name(account.phase)
    row["phase_color"] = account.phase.color if account.phase else "none"


def _vs(row: Row, account: Account, now: datetime) -> None:
    row["vs"] = _name(account.vs_group)
    row["slot"] = account.vs_slot


def _pl_pct(row: Row, account: Account, now: datetime) -> None:
    row["pl_pct"] = formatting.signed_percent(account.pl_pct_now)


def _used(row: Row, account: Account, now: datetime) -> None:
    share = account.drawdown_used_share
    if share is None:
        row["used"], row["used_is"], row["meter"] = NO_LIMIT, "", ""
        return
    row["used"] = f"{share * 100:.0f}%"
    row["used_is"] = "loss" if account.is_near_limit else ""
    row["meter"] = f"{min(share, Decimal(1)):.2f}"


def _left(row: Row, account: Account, now: datetime) -> None:
    left = account.drawdown_left
    if left is None or not account.drawdown_limit:
        row["left"], row["left_value"], row["left_is"] = NO_LIMIT, "", ""
        return
    row["left"] = formatting.money(left, row["places"])
    row["left_value"] = formatting.plain(left)
    row["left_is"] = "loss" if left <= 0 else ""


def _days(row: Row, account: Account, now: datetime) -> None:
    days = account.days_operating
    row["days"] = formatting.UNKNOWN if days is None else str(days)


def _open(row: Row, account: Account, now: datetime) -> None:
    if account.open_positions is not None:
        row["open"] = str(account.open_positions)
    elif account.positions_error:
        row["open"] = formatting.unknown(account.positions_error)
    else:
        row["open"] = NO_POSITIONS


def _state(row: Row, account: Account, now: datetime) -> None:
    agent = account.agent
    row["state"], row["state_name"] = account_state(account)
    row["reason"] = agent.status_reason if agent and not agent.is_online else ""


def _age(row: Row, account: Account, now: datetime) -> None:
    seen = account.seen_at
    row["age"] = formatting.age(seen, now) if seen else NEVER


# --- what exports hold beyond that --------------------------------------------------------------
def _rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(PLACES)


def _used_percent(account: Account) -> Decimal | None:
    share = account.drawdown_used_share
    return None if share is None else _rounded(share * 100)


def _reason(account: Account) -> str:
    """Why the agent is not online; why the positions are unknown."""
    reported = account.agent.status_reason if account.agent and not account.agent.is_online else ""
    unreadable = len(account.unreadable_positions)
    lost = f"{unreadable} of its open positions could not be read" if unreadable else ""
    return reported or account.positions_error or lost


def _seconds(account: Account, now: datetime) -> int | None:
    seen = account.seen_at
    return None if seen is None else max(int((now - seen).total_seconds()), 0)


FLEET: Final[tuple[Column[Account], ...]] = (
    Column(
        "number",
        "Account",
        Own(_number, export(Kind.ID, lambda account: account.number), Align.LEFT),
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
        Text(lambda account: _name(account.firm)),
        sort=Sort(["firm__name"]),
        on_phones=True,
    ),
    Column(
        "phase",
        "Phase",
        Own(_phase, export(Kind.TEXT, lambda account: _name(account.phase)), Align.LEFT),
        sort=Sort(["phase__order", "phase__name"]),
        on_phones=True,
    ),
    Column(
        "vs",
        "VS",
        Own(_vs, export(Kind.TEXT, lambda account: _name(account.vs_group)), Align.LEFT),
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
        Own(_pl_pct, export(Kind.NUMBER, lambda account: _rounded(account.pl_pct_now))),
        hint="P/L in percent of the initial balance",
        sort=Sort(["pl_pct"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "used",
        "DD used",
        Own(_used, export(Kind.NUMBER, _used_percent, "Drawdown used %")),
        title="Drawdown used",
        hint="Part of the drawdown limit that is used up",
        sort=Sort(["drawdown_used_pct"], largest_first=True),
        on_phones=True,
    ),
    Column(
        "left",
        "DD left",
        Own(_left, export(Kind.MONEY, lambda account: account.drawdown_left)),
        title="Drawdown left",
        hint="Money until the drawdown limit",
        sort=Sort([drawdown_left()]),
    ),
    Column(
        "days",
        "Days",
        Plain(_days, export(Kind.ID, lambda account: account.days_operating)),
        title="Days operating",
        hint="Days operating",
        sort=Sort(["days_operating"], largest_first=True),
    ),
    Column(
        "open",
        "Pos.",
        Plain(_open, export(Kind.ID, lambda account: account.open_positions)),
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
        Own(_state, export(Kind.TEXT, lambda account: account_state(account)[1]), Align.LEFT),
        sort=Sort(["agent__status", "connected"]),
        on_phones=True,
    ),
    file_only("Reason", Kind.TEXT, _reason),
    Column(
        "Stale",
        "Stale",
        FileOnly(Export(Kind.TEXT, lambda account, now: "yes" if account.is_stale(now) else "no")),
    ),
    Column(
        "age",
        "Age",
        Age(_age, Export(Kind.ID, _seconds, "Age, s")),
        hint="How old the figures are",
        sort=Sort(["agent__last_seen_at"], largest_first=True, turned=True),
        on_phones=True,
    ),
    file_only("Figures of (UTC)", Kind.TIME, lambda account: account.seen_at),
)
