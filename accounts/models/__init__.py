"""What is watched. Each column has one owner: the poller (polled) or people (edited)."""

from accounts.models.account import Account
from accounts.models.accountset import AccountQuerySet
from accounts.models.agent import Agent
from accounts.models.agentset import AgentQuerySet
from accounts.models.approval import TradingApproval
from accounts.models.conflict import Conflict
from accounts.models.labels import Firm, Phase, VSGroup
from accounts.models.position import Position
from accounts.models.proof import Generation
from accounts.models.quota import AgentQuota
from accounts.models.sign_in import KnownDevice, SignIn
from accounts.models.token import ApiToken

__all__ = [
    "Account",
    "AccountQuerySet",
    "Agent",
    "AgentQuerySet",
    "AgentQuota",
    "ApiToken",
    "Conflict",
    "Firm",
    "Generation",
    "KnownDevice",
    "Phase",
    "Position",
    "SignIn",
    "TradingApproval",
    "VSGroup",
]
