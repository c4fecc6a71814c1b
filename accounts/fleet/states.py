"""The states of agents and accounts, as every page and file shows them."""

from typing import Final

from accounts.models import Account, Agent

STATES: Final = {
    Agent.Status.ONLINE: "Online",
    Agent.Status.OFFLINE: "Offline",
    Agent.Status.TIMEOUT: "Timeout",
    Agent.Status.ERROR: "Error",
    Agent.Status.DISCONNECTED: "Disconnected",
    Agent.Status.UNKNOWN: "Not polled",
}
DISABLED: Final = ("disabled", "Not enabled")


def account_state(account: Account) -> tuple[str, str]:
    """Return class and name. An agent that is not enabled has no other state."""
    if account.agent is None:
        return account.state(), "No agent"
    if not account.agent.enabled:
        return DISABLED
    return account.state(), STATES[Agent.Status(account.state())]


def agent_state(agent: Agent) -> tuple[str, str]:
    """Return class and name, as account_state() does."""
    return (agent.status, STATES[Agent.Status(agent.status)]) if agent.enabled else DISABLED
