"""The site, with a page that blocks the event loop of its process for good."""

import time

from mt5monitor.asgi import Receive, Scope, Send
from mt5monitor.asgi import application as site


def block_for_good() -> None:
    while True:
        time.sleep(0.01)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope.get("path") == "/block":
        block_for_good()
    await site(scope, receive, send)
