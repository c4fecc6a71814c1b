"""Reading agents now, because somebody asked and waits: the pages, the admin and the API."""

from collections.abc import Iterable

from accounts.models import Agent
from accounts.polling import on_demand, poller
from accounts.polling.poll_result import Outcome

WAIT_S = 60.0  # for agents that somebody else has asked for: a reconnect may take so long
# Several that were just read are not read again: they are asked for by all who watch the fleet. One
# is, and not by joining a reading that began before: whoever has just traded there wants to see it.
LATE_S = 2.0


def read_now(user_id: int, agents: Iterable[Agent]) -> list[Outcome]:
    """Returns when all of them have been read, for this user or for another. Raises Crowded."""
    asked = list(agents)
    one = len(asked) == 1
    with on_demand.place(user_id):
        return list(poller.refresh(asked, wait_s=WAIT_S, late_s=LATE_S, fresh=one))
