"""The fleet as it is exported: what its table shows, unformatted, and what stands behind that."""

from datetime import datetime
from decimal import Decimal
from typing import Final

from accounts.exports.table import Column, Kind, Table
from accounts.fleet.query import Fleet
from accounts.fleet.rows import state_name
from accounts.models import Account, Firm, Phase, VSGroup

PLACES: Final = Decimal("0.0001")


def fleet_table(look: Fleet) -> Table[Account]:
    return Table("fleet", [*_who(), *_money(), *_freshness(look.now)], look.ordered)


def _who() -> list[Column[Account]]:
    return [
        Column("Account", Kind.ID, lambda row: row.number),
        Column("Name", Kind.TEXT, lambda row: row.name),
        Column("Holder", Kind.TEXT, lambda row: row.holder),
        Column("Firm", Kind.TEXT, lambda row: _name(row.firm)),
        Column("Phase", Kind.TEXT, lambda row: _name(row.phase)),
        Column("VS group", Kind.TEXT, lambda row: _name(row.vs_group)),
        Column("VS slot", Kind.TEXT, lambda row: row.vs_slot),
        Column("Server", Kind.TEXT, lambda row: row.server),
        Column("Currency", Kind.TEXT, lambda row: row.currency),
    ]


def _money() -> list[Column[Account]]:
    return [
        Column("Initial balance", Kind.MONEY, lambda row: row.initial_balance),
        Column("Balance", Kind.MONEY, lambda row: row.balance),
        Column("Equity", Kind.MONEY, lambda row: row.equity),
        Column("Credit", Kind.MONEY, lambda row: row.credit),
        Column("Floating", Kind.MONEY, lambda row: row.floating),
        Column("P/L", Kind.MONEY, lambda row: row.pl_now),
        Column("P/L %", Kind.NUMBER, lambda row: _rounded(row.pl_pct_now)),
        Column("Drawdown used %", Kind.NUMBER, lambda row: _percent(row.drawdown_used_share)),
        Column("Drawdown left", Kind.MONEY, lambda row: row.drawdown_left),
        Column("Days operating", Kind.ID, lambda row: row.days_operating),
        Column("Open positions", Kind.ID, lambda row: row.open_positions),
    ]


def _freshness(now: datetime) -> list[Column[Account]]:
    return [
        Column("Agent", Kind.TEXT, lambda row: str(row.agent or "")),
        Column("State", Kind.TEXT, state_name),
        Column("Reason", Kind.TEXT, _reason),
        Column("Stale", Kind.TEXT, lambda row: "yes" if row.is_stale(now) else "no"),
        Column("Age, s", Kind.ID, lambda row: _age(row, now)),
        Column("Figures of (UTC)", Kind.TIME, lambda row: row.seen_at),
    ]


def _name(label: Firm | Phase | VSGroup | None) -> str | None:
    return None if label is None else label.name


def _percent(share: Decimal | None) -> Decimal | None:
    return None if share is None else _rounded(share * 100)


def _rounded(value: Decimal | None) -> Decimal | None:
    """A quotient has as many digits as one likes."""
    return None if value is None else value.quantize(PLACES)


def _reason(row: Account) -> str:
    """Why the agent is not online; why the positions are unknown."""
    told = row.agent.status_reason if row.agent and not row.agent.is_online else ""
    unreadable = len(row.unreadable_positions)
    lost = f"{unreadable} of its open positions could not be read" if unreadable else ""
    return told or row.positions_error or lost


def _age(row: Account, now: datetime) -> int | None:
    return None if row.seen_at is None else max(int((now - row.seen_at).total_seconds()), 0)
