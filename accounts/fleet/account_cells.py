"""What the cells of an account show, where that is more than one figure; columns.py names them."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from accounts.fleet import formatting
from accounts.fleet.column import Row
from accounts.fleet.states import account_state
from accounts.models import Account, Firm, Phase, VSGroup

NO_LIMIT: Final = formatting.unknown("No drawdown limit known")
NO_POSITIONS: Final = formatting.unknown("Positions could not be read")
PLACES: Final = Decimal("0.0001")  # of a quotient, which has any number of digits


def name_of(label: Firm | Phase | VSGroup | None) -> str:
    return "" if label is None else label.name


# --- what the cells show ------------------------------------------------------------------------
def number(row: Row, account: Account, now: datetime) -> None:
    row["number"] = str(account.number)
    row["title"] = account.title
    row["server"] = account.server_shown
    row["conflict"] = getattr(account, "in_conflict", False)


def phase(row: Row, account: Account, now: datetime) -> None:
    row["phase"] = name_of(account.phase)
    row["phase_color"] = account.phase.color if account.phase else "none"


def vs(row: Row, account: Account, now: datetime) -> None:
    row["vs"] = name_of(account.vs_group)
    row["slot"] = account.vs_slot


def pl_pct(row: Row, account: Account, now: datetime) -> None:
    row["pl_pct"] = formatting.signed_percent(account.pl_pct_now)


def used(row: Row, account: Account, now: datetime) -> None:
    share = account.drawdown_used_share
    if share is None:
        row["used"], row["used_is"], row["meter"] = NO_LIMIT, "", ""
        return
    row["used"] = f"{share * 100:.0f}%"
    row["used_is"] = "loss" if account.is_near_limit else ""
    row["meter"] = f"{min(share, Decimal(1)):.2f}"


def left(row: Row, account: Account, now: datetime) -> None:
    left = account.drawdown_left
    if left is None or not account.drawdown_limit:
        row["left"], row["left_value"], row["left_is"] = NO_LIMIT, "", ""
        return
    row["left"] = formatting.money(left, row["places"])
    row["left_value"] = formatting.plain(left)
    row["left_is"] = "loss" if left <= 0 else ""


def days(row: Row, account: Account, now: datetime) -> None:
    days = account.days_operating
    row["days"] = formatting.UNKNOWN if days is None else str(days)


def open_positions(row: Row, account: Account, now: datetime) -> None:
    if account.open_positions is not None:
        row["open"] = str(account.open_positions)
    elif account.positions_error:
        row["open"] = formatting.unknown(account.positions_error)
    else:
        row["open"] = NO_POSITIONS


def state(row: Row, account: Account, now: datetime) -> None:
    agent = account.agent
    row["state"], row["state_name"] = account_state(account)
    row["reason"] = agent.status_reason if agent and not agent.is_online else ""


def age(row: Row, account: Account, now: datetime) -> None:
    row["age"] = formatting.last_seen(account.seen_at, now)


# --- what exports hold beyond that --------------------------------------------------------------
def rounded(value: Decimal | None) -> Decimal | None:
    return None if value is None else value.quantize(PLACES)


def used_percent(account: Account) -> Decimal | None:
    share = account.drawdown_used_share
    return None if share is None else rounded(share * 100)


def reason(account: Account) -> str:
    """Why the agent is not online; why the positions are unknown."""
    reported = account.agent.status_reason if account.agent and not account.agent.is_online else ""
    unreadable = len(account.unreadable_positions)
    lost = f"{unreadable} of its open positions could not be read" if unreadable else ""
    return reported or account.positions_error or lost


def seconds(account: Account, now: datetime) -> int | None:
    seen = account.seen_at
    return None if seen is None else max(int((now - seen).total_seconds()), 0)
