"""One open page: what it shows, what it has confirmed, whether it keeps up."""

import time
from collections import deque
from typing import NamedTuple

from django.conf import settings

from accounts.live.access import Viewer
from accounts.live.frames import Refused
from accounts.live.listener import Send, SocketListener
from accounts.live.rate_limit import RateLimit

# A page acknowledges a heartbeat every two seconds and rarely watches something else.
FRAMES_A_SECOND, FRAMES_AT_ONCE = 10, 60
AGENTS = "agents"  # the page that shows agents


class Shown(NamedTuple):
    """Rows of accounts, by Account.row, and of agents, by id. Pages of the fleet have agents too,
    of which they show no rows but when they were seen."""

    page: str
    rows: frozenset[int]
    agents: frozenset[int]

    @property
    def agent_rows(self) -> frozenset[int]:
        return self.agents if self.page == AGENTS else frozenset()


class Page(SocketListener):
    hears = frozenset({"account_update"})
    most = "LIVE_SOCKETS_PER_USER"
    too_many = "Too many pages are open."
    patience_s = 0.5

    def __init__(self, viewer: Viewer, send: Send) -> None:
        super().__init__(viewer, send, RateLimit(FRAMES_A_SECOND, FRAMES_AT_ONCE))
        self.shown: Shown | None = None
        self.mark = ("", 0)  # the (epoch, seq) before it was read
        self._sent = 0  # bytes
        self._confirmed = 0  # bytes
        self._beats: deque[tuple[int, float, int]] = deque()  # (beat, when, bytes sent by then)

    def forbidden(self) -> Refused | None:
        shows_agents = self.shown is not None and self.shown.page == AGENTS
        if shows_agents and not self.sees_agents:
            return Refused(Refused.FORBIDDEN, "You may not see this page any more.")
        return super().forbidden()

    @property
    def sees_agents(self) -> bool:
        return "agent_status" in self.viewer.kinds

    async def send(self, text: str, beat: int | None = None) -> None:
        """`beat`: the number of the heartbeat that it carries, which the page confirms."""
        self._sent += len(text)
        await super().send(text)
        if beat is not None:
            self._beats.append((beat, time.monotonic(), self._sent))

    # --- keeping up ---------------------------------------------------------------------------
    def confirm(self, beat: int) -> None:
        """Everything up to that heartbeat was read. Raise Refused for one that was never sent:
        they have random numbers, so only a page that reads can confirm."""
        if all(sent != beat for sent, _, _ in self._beats):
            raise Refused(Refused.MALFORMED, "That beat was not sent.")
        while self._beats:
            sent, _, self._confirmed = self._beats.popleft()
            if sent == beat:
                return

    def is_behind(self, now: float) -> bool:
        """Asked at each heartbeat, when a page that keeps up has confirmed the one before, however
        much was sent since."""
        if self.gone:
            return True
        if not self._beats:
            return False
        too_much = self._sent - self._confirmed > settings.LIVE_UNREAD_BYTES
        return bool(too_much or now - self._beats[0][1] > settings.LIVE_BEHIND_S)
