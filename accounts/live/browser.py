"""One open socket: what it shows, what it has confirmed, whether it keeps up."""

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from autobahn.exception import Disconnected
from django.conf import settings

from accounts.live.access import Pass
from accounts.live.allowance import Allowance
from accounts.live.frames import Refused, goodbye

if TYPE_CHECKING:
    from accounts.live.screen import Screen

log = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Awaitable[None]]

FRAMES_A_SECOND = 10  # a browser acknowledges a beat every two seconds and rarely watches anew
FRAMES_AT_ONCE = 60


class Browser:
    """Sends until it has left; a browser that fails or falls behind disturbs no other."""

    def __init__(self, holder: Pass, send: Send) -> None:
        self.holder = holder
        self.screen: Screen | None = None
        self.mark = ("", 0)  # the (epoch, seq) before its page was read
        self.page = ""
        self.query: str | None = None
        self.account: int | None = None
        self.gone = False
        self._send = send
        self._sent = 0  # bytes
        self._confirmed = 0  # bytes
        self._beats: deque[tuple[int, float, int]] = deque()  # (beat, when, bytes sent by then)
        self._allowance = Allowance(FRAMES_A_SECOND, FRAMES_AT_ONCE)

    async def send(self, text: str) -> None:
        await self.pass_on({"type": "websocket.send", "text": text}, len(text))

    async def pass_on(self, message: dict[str, Any], size: int) -> None:
        """Sends an ASGI message that may be shared between browsers."""
        if self.gone:
            return
        self._sent += size
        try:
            await self._send(message)
        except Disconnected:
            self.gone = True  # it left, and Daphne has not told yet
        except Exception:
            # Whatever a connection does while it dies, the others get their frames.
            log.exception("live: sending to a browser failed")
            self.gone = True

    async def close(self, refusal: Refused) -> None:
        """A peer that does not even answer the close frame is cut off by Daphne a second later,
        which also frees what it has not read."""
        for message in goodbye(refusal):
            await self.pass_on(message, 0)
        self.gone = True

    # --- keeping up ---------------------------------------------------------------------------
    def has_beat(self, beat: int) -> None:
        self._beats.append((beat, time.monotonic(), self._sent))

    def confirms(self, beat: int) -> None:
        """Everything up to that beat was read. Raises Refused for a beat that was never sent:
        beats have random numbers, so only a browser that reads can confirm."""
        if all(sent != beat for sent, _, _ in self._beats):
            raise Refused(Refused.MALFORMED, "That beat was not sent.")
        while self._beats:
            sent, _, self._confirmed = self._beats.popleft()
            if sent == beat:
                return

    def is_behind(self, now: float) -> bool:
        """`now` is of time.monotonic(). Asked at each beat, when a browser that keeps up has
        confirmed the one before, however much was sent since."""
        if not self._beats:
            return False
        too_much = self._sent - self._confirmed > settings.LIVE_UNREAD_BYTES
        return bool(too_much or now - self._beats[0][1] > settings.LIVE_BEHIND_S)

    def may_speak(self) -> None:
        """Counts a frame that came in. Raises Refused when there were too many."""
        self._allowance.take()
