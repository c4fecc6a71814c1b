"""`/ws`, the socket for programs: lets in, passes on what is said, lets go."""

import asyncio
from typing import Any

from channels.db import database_sync_to_async

from accounts import events
from accounts.consumers import Receive, Scope, Send, refuse
from accounts.events import frames
from accounts.events.access import Holder, by_key, by_session
from accounts.events.admission import admitted
from accounts.events.program import Program
from accounts.live.frames import Refused
from mt5monitor import connected
from mt5monitor.line import Line

AUTH_WITHIN_S = 5.0


class Left(Exception):
    """It went before it said who it is."""


async def program(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application, behind AuthMiddlewareStack and after its origin was looked at."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    hub = events.current()
    try:
        holder = await _holder(scope, receive)
        listener = Program(hub, holder, send, scope.get("line") or Line(None))
        await hub.join(listener)
    except Left:
        return
    except Refused as refusal:
        await refuse(send, refusal)
        return
    try:
        with connected.counted(connected.PROGRAMS):
            await _listen(listener, receive)
    except Refused as refusal:
        await listener.refuse(refusal)
    finally:
        hub.leave(listener)


async def _listen(listener: Program, receive: Receive) -> None:
    """Until the program leaves. Raises Refused."""
    await listener.say("hello", epoch=listener.epoch, seq=listener.seq)
    silent = asyncio.create_task(listener.receive_all_unless_it_asks())
    try:
        while (event := await receive())["type"] != "websocket.disconnect":
            if not listener.gone:
                await listener.take_frame(frames.decode(event))
    finally:
        silent.cancel()


async def _holder(scope: Scope, receive: Receive) -> Holder:
    """By the header, the session of a page of ours, or the first frame. Raises Refused, Left."""
    headers = [value for name, value in scope["headers"] if name == b"authorization"]
    if headers:
        kind, _, key = headers[0].decode("latin1").partition(" ")
        return await _by_key(scope, key.strip() if kind.lower() == "bearer" else "")
    # A browser says where its page is from, and that was looked at; what does not is no page.
    has_origin = any(name == b"origin" for name, _ in scope["headers"])
    if has_origin and scope["user"].is_authenticated:
        session = scope["session"].session_key
        work = database_sync_to_async(by_session)
        return await admitted(session, lambda: work(scope["user"], session))
    return await _by_key(scope, await _said_key(receive))


async def _by_key(scope: Scope, key: str) -> Holder:
    work, client = database_sync_to_async(by_key), scope.get("client") or ("",)
    return await admitted(key, lambda: work(key, str(client[0])))


async def _said_key(receive: Receive) -> str:
    try:
        async with asyncio.timeout(AUTH_WITHIN_S):
            event: dict[str, Any] = await receive()
    except TimeoutError:
        text = f"You did not say who you are within {AUTH_WITHIN_S:.0f} seconds."
        raise Refused(Refused.SIGNED_OUT, text) from None
    if event["type"] == "websocket.disconnect":
        raise Left
    frame = frames.decode(event)
    if not isinstance(frame, frames.Auth):
        raise Refused(Refused.SIGNED_OUT, "Say first who you are: {“type”: “auth”, “token”: …}.")
    return frame.token
