"""The sockets: each checks who it is, joins the hub, passes on what is said, leaves."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import Any, ClassVar

from autobahn.exception import Disconnected
from channels.consumer import get_handler_name
from channels.db import database_sync_to_async
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer

from accounts.events import frames as client_frames
from accounts.events.access import admitted, by_key
from accounts.events.client import Client
from accounts.live import frames
from accounts.live.access import Viewer, of_session
from accounts.live.current import current
from accounts.live.frames import Refused, goodbye
from accounts.live.listener import SocketListener
from accounts.live.page import Page
from mt5monitor import connected
from mt5monitor.line import Line

AUTH_WITHIN_S = 5.0


class Socket(AsyncWebsocketConsumer):  # type: ignore[misc]
    """Refused, raised anywhere in it, closes it with that code."""

    counted_as: ClassVar[str]
    listener: SocketListener | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Without the channel in the layer and the task for each frame of the base class: the hub
        reads once for all. By a group of the layer one message took 201 ms (p50) to 1,000
        browsers, by a hub 18; and of 500 sockets that came back at once, those at the end of the
        line for a channel waited until Daphne gave their handshakes up."""
        self.scope, self.base_send = scope, send
        self._joined = ExitStack()
        self._is_over = False
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            self.leave()

    async def dispatch(self, message: Mapping[str, Any]) -> None:
        """Without the hop through a thread, 0.1 ms of a core for each frame, by which the base
        class closes old connections to the database: frames query nothing on this one."""
        if self._is_over and message["type"] == "websocket.receive":
            return  # its close is on the way
        try:
            await getattr(self, get_handler_name(message))(message)
        except Refused as refusal:
            await self.refuse(refusal)

    async def refuse(self, refusal: Refused) -> None:
        if self.listener is not None:
            await self.listener.refuse(refusal)
        else:
            with suppress(Disconnected):  # it left, and Daphne has not said so yet
                for message in goodbye(refusal):
                    await self.base_send(message)
        self.leave()

    async def join(self, listener: SocketListener) -> None:
        """Raise Refused."""
        self.hub = current()
        await self.hub.join(listener)
        self._joined.callback(self.hub.leave, listener)
        self._joined.enter_context(connected.counted(self.counted_as))
        self.listener = listener

    def leave(self) -> None:
        """Harmless when it has left already."""
        self._is_over = True
        self._joined.close()


class RefusedSocket(Socket):
    """Accepts and closes: a socket that is closed before it was accepted learns no code."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__()
        self._refusal = refusal

    async def connect(self) -> None:
        await self.accept()
        raise self._refusal


class LivePage(Socket):
    """Of a page, behind AuthMiddlewareStack."""

    counted_as = connected.PAGES
    listener: Page | None

    async def connect(self) -> None:
        await self.accept()
        user, key = self.scope["user"], self.scope["session"].session_key
        viewer = await database_sync_to_async(of_session)(user, key, of_page=True)
        page = Page(viewer, self.base_send)
        await self.join(page)
        epoch, seq = self.hub.backlog.mark
        await page.say("hello", epoch=epoch, seq=seq, now=time.time())

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.listener is not None and not self.listener.gone:
            self.listener.may_speak()
            frame = frames.decode(bytes_data or b"" if text_data is None else text_data)
            await self.hub.pages.take(self.listener, frame)


class ApiClient(Socket):
    """`/ws`, behind AuthMiddlewareStack and after its origin was looked at."""

    counted_as = connected.PROGRAMS
    listener: Client | None

    async def connect(self) -> None:
        await self.accept()
        viewer = await self._viewer()
        if viewer is not None:
            await self._begin(viewer)
        else:
            late = asyncio.create_task(self._refuse_late())
            self._joined.callback(late.cancel)

    async def _viewer(self) -> Viewer | None:
        """By the header or the session of a page of ours; None: the first frame has to say. Raise
        Refused."""
        headers = [value for name, value in self.scope["headers"] if name == b"authorization"]
        if headers:
            kind, _, key = headers[0].decode("latin1").partition(" ")
            return await self._by_key(key.strip() if kind.lower() == "bearer" else "")
        # A browser says where its page is from, and that was looked at; what does not is no page.
        has_origin = any(name == b"origin" for name, _ in self.scope["headers"])
        user = self.scope["user"]
        if not has_origin or not user.is_authenticated:
            return None
        session = self.scope["session"].session_key
        return await admitted(session, lambda: database_sync_to_async(of_session)(user, session))

    async def _by_key(self, key: str) -> Viewer:
        client = self.scope.get("client") or ("",)
        return await admitted(key, lambda: database_sync_to_async(by_key)(key, str(client[0])))

    async def _refuse_late(self) -> None:
        await asyncio.sleep(AUTH_WITHIN_S)
        text = f"You did not say who you are within {AUTH_WITHIN_S:.0f} seconds."
        await self.refuse(Refused(Refused.SIGNED_OUT, text))

    async def _begin(self, viewer: Viewer) -> None:
        client = Client(current(), viewer, self.base_send, self.scope.get("line") or Line(None))
        await self.join(client)
        await client.say("hello", epoch=client.epoch, seq=client.seq)
        silent = asyncio.create_task(client.receive_all_unless_it_asks())
        self._joined.callback(silent.cancel)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        frame = client_frames.decode(bytes_data or b"" if text_data is None else text_data)
        if self.listener is not None:
            if not self.listener.gone:
                await self.listener.take_frame(frame)
        elif isinstance(frame, client_frames.Auth):
            self._joined.close()  # in time
            await self._begin(await self._by_key(frame.token))
        else:
            raise Refused(
                Refused.SIGNED_OUT, "Say first who you are: {“type”: “auth”, “token”: …}."
            )
