"""The typed client of agents: an Endpoint goes in, a Reading or an AgentError comes out.

No ORM here, nothing of Django but the one look at its settings in `limits.py`.
"""

from accounts.agents.client import AgentClient, client
from accounts.agents.errors import AgentError
from accounts.agents.limits import Limits
from accounts.agents.readings import AccountReading, Endpoint, PositionReading, Reading
from accounts.agents.statistics import PoolStatistics

__all__ = [
    "AccountReading",
    "AgentClient",
    "AgentError",
    "Endpoint",
    "Limits",
    "PoolStatistics",
    "PositionReading",
    "Reading",
    "client",
]
