"""The typed client of agents: an Endpoint goes in, a Reading or an AgentError comes out.

No ORM here, nothing of Django but the one look at its settings in `limits.py`.
"""

from accounts.agents.addresses import check_url
from accounts.agents.client import AgentClient, client, pool_statistics
from accounts.agents.deals import closed_position
from accounts.agents.errors import AgentError, NotSent, SymbolUnknown
from accounts.agents.limits import Limits
from accounts.agents.readings import AccountReading, Endpoint, PositionReading, Reading
from accounts.agents.signing import CLOCK_SKEW
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import (
    ClosedPosition,
    Deal,
    DealsReading,
    Kind,
    OrderRecord,
    Side,
    TradeAnswer,
    TradeRequest,
)

__all__ = [
    "CLOCK_SKEW",
    "ClosedPosition",
    "Kind",
    "check_url",
    "closed_position",
    "errors",
    "fields",
    "listed",
    "retcodes",
    "symbol_name",
    "trade2",
    "AccountReading",
    "AgentClient",
    "AgentError",
    "Deal",
    "DealsReading",
    "Endpoint",
    "Limits",
    "NotSent",
    "OrderRecord",
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
