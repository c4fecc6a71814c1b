"""What a reading gives, by the names of the columns that the poller owns."""

from typing import Any

from msgspec import structs

from accounts.agents import AccountReading, PositionReading, Reading
from accounts.models import Account, Agent, Position
from accounts.models.position import POLLED as POSITION_COLUMNS

SHOWN_ROWS = 100  # of those that could not be read: they are counted all the same


def at_its_server(agent: Agent, reading: Reading) -> Reading:
    """With the server that a person entered on the agent, where the agent reports none."""
    if not agent.server or all(account.server for account in reading.accounts):
        return reading
    accounts = (structs.replace(one, server=one.server or agent.server) for one in reading.accounts)
    return structs.replace(reading, accounts=tuple(accounts))


def account_columns(reading: AccountReading) -> dict[str, Any]:
    """The polled columns that a reading gives, by the names of Account.POLLED; a server that is
    known stays when the agent reports none."""
    positions = reading.positions
    return ({"server": reading.server} if reading.server else {}) | {
        "name": reading.name,
        "company": reading.company,
        "currency": reading.currency,
        "currency_digits": reading.currency_digits,
        "connected": reading.connected,
        "balance": reading.balance,
        "credit": reading.credit,
        "equity": reading.equity,
        "floating": reading.floating,
        "margin": reading.margin,
        "margin_free": reading.margin_free,
        "leverage": reading.leverage,
        "margin_mode": reading.margin_mode,
        "trade_allowed": reading.trade_allowed,
        "days_operating": reading.days_operating,
        "open_positions": None if positions is None else len(positions) + len(reading.unreadable),
        "positions_error": reading.positions_error,
        "unreadable_positions": [structs.asdict(one) for one in reading.unreadable[:SHOWN_ROWS]],
    }


def position_columns(told: PositionReading) -> dict[str, Any]:
    return {name: getattr(told, name) for name in POSITION_COLUMNS}


def position(account: Account, told: PositionReading) -> Position:
    return Position(account=account, ticket=told.ticket, **position_columns(told))
