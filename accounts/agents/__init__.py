"""The typed client of agents: an Endpoint goes in, a Reading or an AgentError comes out.

No ORM here, nothing of Django but the one look at its settings in `limits.py`.
"""

from accounts.agents.client import AgentClient, client, pool_statistics
from accounts.agents.errors import AgentError, NotSent, SymbolUnknown
from accounts.agents.limits import Limits
from accounts.agents.readings import AccountReading, Endpoint, PositionReading, Reading
from accounts.agents.statistics import PoolStatistics
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import (
    Deal,
    DealsReading,
    OrderRecord,
    Side,
    TradeAnswer,
    TradeRequest,
)

__all__ = [
    "AccountReading",
    "AgentClient",
    "AgentError",
    "Deal",
    "DealsReading",
    "Endpoint",
    "Limits",
    "NotSent",
    "OrderRecord",
    "PoolStatistics",
    "PositionReading",
    "Reading",
    "Side",
    "SymbolSpec",
    "SymbolUnknown",
    "TradeAnswer",
    "TradeRequest",
    "client",
    "pool_statistics",
]
