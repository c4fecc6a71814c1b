"""The typed client of agents: an Endpoint goes in, a Reading or an AgentError comes out.

No ORM here, nothing of Django but the one look at its settings in limits.py.

client.py       the client of a process
call.py         one call with one deadline: requests and answers
pool.py         connections of a process
connections.py  connections to agents that may send anything at any time
slots.py        a number of calls at once
statistics.py   what the pool has done
limits.py       every limit and timeout
addresses.py    which URLs are accepted, which addresses are dialled
names.py        addresses of host names
bodies.py       bodies of answers, bounded
refusals.py     redirects and HTTP errors
causes.py       network errors by name
errors.py       all errors, each with a name that never changes
signing.py      signatures of API v2
v1.py           readings of API v1
v2.py           readings of API v2
readings.py     what an agent reported, parsed
fields.py       JSON to typed fields
figures.py      figures exactly as they stand in the JSON
listed.py       lists whose rows are parsed one by one
deals.py        histories
symbols.py      specifications and quotes
symbol_name.py  names of symbols, kept as they are
trades.py       what is asked of an agent that trades, and its answer
once.py         one trade, sent at most once
trade1.py       trades of API v1
trade2.py       trades of API v2
presend.py      messages of API v1 that prove nothing was sent
comments.py     comments of trade servers, and their return codes
retcodes.py     what return codes prove
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
