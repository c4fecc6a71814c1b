"""One open socket of an API client: what it asked for, and how much of it waits to be read."""

import asyncio
import time

from django.conf import settings

from accounts.events import frames
from accounts.live.access import EVENTS, Viewer
from accounts.live.events import Event
from accounts.live.frames import Refused
from accounts.live.hub import Hub
from accounts.live.listener import EventListener, Send, SocketListener
from accounts.live.rate_limit import RateLimit
from mt5monitor.line import Line

# One that has asked for nothing by then receives everything, as in the original system. Its mark
# waits where it was when it joined, so nothing is lost meanwhile.
ASKS_WITHIN_S = 1.0
FRAMES_A_SECOND, FRAMES_AT_ONCE = 20, 1200  # one for each account, at first
SUBSCRIPTIONS_MOST = 1000
UNREAD_MOST = 64 * 1024  # bytes; what comes after waits in the backlog, which all share
EVENTS_AT_ONCE = 100


class Client(EventListener, SocketListener):
    hears = EVENTS

    def __init__(self, hub: Hub, viewer: Viewer, send: Send, line: Line) -> None:
        super().__init__(viewer, send, RateLimit(FRAMES_A_SECOND, FRAMES_AT_ONCE))
        self._hub = hub
        self._line = line
        self._all = False
        self._accounts: set[int] = set()
        self._has_asked = False  # for accounts of its choice, or for none
        self._all_unasked = False
        self._is_sending = False
        self._slow_since: float | None = None  # of time.monotonic()

    # --- what it says -------------------------------------------------------------------------
    async def take_frame(self, frame: frames.Any_) -> None:
        """Raise Refused."""
        self.may_speak()
        match frame:
            case frames.Ping():
                await self.say("pong")
            case frames.Subscribe(account_number=number):
                self._subscribe(number)
                await self._confirm("subscribed", number)
            case frames.Unsubscribe(account_number=number):
                self._unsubscribe(number)
                await self._confirm("unsubscribed", number)
            case frames.Resume(epoch=epoch, seq=seq):
                self.begin(epoch, seq)
            case frames.Auth():
                raise Refused(Refused.MALFORMED, "You are signed in already.")
        await self.wake()

    async def receive_all_unless_it_asks(self) -> None:
        """Subscribe it to all accounts when it has not said in time what it wants."""
        await asyncio.sleep(ASKS_WITHIN_S)
        if not self._has_asked:
            self._subscribe(None)
            self._all_unasked = True
            await self.wake()

    def _subscribe(self, number: int | None) -> None:
        self._has_asked = True
        if self._all_unasked:
            self._all = self._all_unasked = False  # now it says what it wants
        if number is None:
            self._all = True
            return
        self._accounts.add(number)
        if len(self._accounts) > SUBSCRIPTIONS_MOST:
            raise Refused(
                Refused.TOO_MANY, f"More than {SUBSCRIPTIONS_MOST} accounts: ask for all."
            )

    def _unsubscribe(self, number: int | None) -> None:
        """From one; or from everything."""
        self._has_asked = True
        if number is None:
            self._all = False
            self._accounts.clear()
        self._accounts.discard(number or 0)

    async def _confirm(self, kind: str, number: int | None) -> None:
        await self.say(kind, account_number=number, epoch=self.epoch, seq=self.seq)

    # --- what it receives ---------------------------------------------------------------------
    async def wake(self) -> None:
        """Its mark stays where it is until it has subscribed; answers may wait for it before."""
        if self._is_sending or not self._has_room() or not (self._all or self._accounts):
            return
        self._is_sending = True
        try:
            while await self._send_some():
                pass
        finally:
            self._is_sending = False

    async def _send_some(self) -> bool:
        """Whether there may be more to send at once."""
        if self.gone or not self._has_room():
            return False
        events = self.take(self._hub.backlog, EVENTS_AT_ONCE)
        if events is None:
            await self.say("reload", epoch=self.epoch, seq=self.seq)
            return True
        for event in events:
            if self._wants(event):
                await self.pass_on(event.message)
        return bool(events)

    def _has_room(self) -> bool:
        if self._line.unread <= UNREAD_MOST:
            self._slow_since = None
            self._hub.slow.discard(self)
            return True
        if self._slow_since is None:
            self._slow_since = time.monotonic()
            self._hub.slow.add(self)
        return False

    def _wants(self, event: Event) -> bool:
        if event.kind not in self.viewer.kinds or event.is_silent:
            return False
        return self._all or not self._accounts.isdisjoint(event.accounts)

    def is_behind(self, now: float) -> bool:
        return self._slow_since is not None and now - self._slow_since > settings.LIVE_BEHIND_S
