"""The socket of a live page: checks who it is, joins the hub, forwards what it says, leaves."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from channels.db import database_sync_to_async

from accounts import live
from accounts.live import frames
from accounts.live.access import admit
from accounts.live.browser import Browser
from accounts.live.frames import Refused
from mt5monitor import connected

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def live_page(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application, behind AuthMiddlewareStack. It is none of Channels' consumers: those
    open a channel in the layer each and hop through a thread for every frame."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    try:
        holder = await database_sync_to_async(admit)(scope)
        browser = await live.current().join(holder, send)
    except Refused as refusal:
        await refuse(send, refusal)
        return
    try:
        with connected.counted(connected.PAGES):
            await _forward(browser, receive)
    except Refused as refusal:
        await browser.close(refusal)
    finally:
        live.current().leave(browser)


async def _forward(browser: Browser, receive: Receive) -> None:
    """Until the browser leaves. Raises Refused for what it should not have said."""
    hub = live.current()
    while True:
        event = await receive()
        if event["type"] == "websocket.disconnect":
            return
        if browser.gone:
            continue  # dropped already; its close is on the way
        browser.may_speak()
        await hub.take(browser, frames.decode(event.get("text") or event.get("bytes") or ""))


async def refuse(send: Send, refusal: Refused) -> None:
    for message in frames.goodbye(refusal):
        await send(message)


async def no_page(scope: Scope, receive: Receive, send: Send) -> None:
    """For sockets at any other address."""
    await receive()
    await send({"type": "websocket.accept"})
    await refuse(send, Refused(Refused.NOT_FOUND, "There is no socket here."))
