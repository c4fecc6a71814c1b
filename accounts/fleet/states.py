"""The states of agents and of their accounts, and the words for them: on pages, in the admin, in
files and in API documents.

What an agent's status is called stands in Agent.Status. Orders have their words in
trading/states.py, versus in trading/versus/states.py, the switch in trading/switching.py.
"""

from typing import Final

from django.utils.text import capfirst

from accounts.models import Account, Agent

_ORDER: Final = (  # as lists and menus show them
    Agent.Status.ONLINE,
    Agent.Status.OFFLINE,
    Agent.Status.TIMEOUT,
    Agent.Status.ERROR,
    Agent.Status.DISCONNECTED,
    Agent.Status.UNKNOWN,
)
STATES: Final = {status: capfirst(str(status.label)) for status in _ORDER}
NO_AGENT: Final = "No agent"
# Not in the database; each has its class in page.css, as the others do.
DISABLED: Final = "disabled"
QUOTA: Final = "quota"  # in any state, and reached a quota within the hour
FRESH: Final = "fresh"
STALE: Final = "stale"
NAMES: Final = {
    FRESH: "Fresh",
    STALE: "Stale",
    **{status.value: name for status, name in STATES.items()},
    QUOTA: "Quota reached",
    DISABLED: "Not enabled",
}


def account_state(account: Account) -> tuple[str, str]:
    """Return class and name. An agent that is not enabled has no other state."""
    if account.agent is None:
        return account.state(), NO_AGENT
    state = account.state() if account.agent.enabled else DISABLED
    return state, NAMES[state]


def agent_state(agent: Agent) -> tuple[str, str]:
    """Return class and name, as account_state() does."""
    state = agent.status if agent.enabled else DISABLED
    return state, NAMES[state]
