"""The ASGI application: pages by Django, sockets of live pages through Channels' routing."""

import asyncio
import os
from typing import Any, cast

from django.core.asgi import get_asgi_application

from mt5monitor.garbage import no_search

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
with no_search():
    pages = get_asgi_application()  # before anything that imports models

    from channels.auth import AuthMiddlewareStack
    from channels.routing import ProtocolTypeRouter, URLRouter
    from django.urls import get_resolver, path, re_path

    from accounts.agents import pool_statistics
    from accounts.consumers import ApiClient, LivePage, RefusedSocket
    from accounts.live.current import current
    from accounts.live.frames import Refused
    from accounts.origins import Receive, Scope, Send, TrustedOrigins
    from mt5monitor import connected, loop, processes, watchdog
    from mt5monitor.hosts import entry
    from mt5monitor.line import Line
    from mt5monitor.open_files import allow_enough

    _ = get_resolver().url_patterns  # loaded now, not while the first page waits

allow_enough()
entry.begin(pages=True)
live_page, api_client = LivePage.as_asgi(), ApiClient.as_asgi()
nowhere = RefusedSocket.as_asgi(refusal=Refused(Refused.NOT_FOUND, "There is no socket here."))
# django-stubs knows of views only in routes.
sockets = [
    path("ws/live/", cast("Any", TrustedOrigins(AuthMiddlewareStack(live_page)))),
    re_path(
        "^ws/?$", cast("Any", TrustedOrigins(AuthMiddlewareStack(api_client), for_programs=True))
    ),
    re_path("", cast("Any", TrustedOrigins(nowhere))),
]
sources = {
    "connections": connected.counts,
    "agent_pool": pool_statistics,
    "host": entry.counts,
}
router = ProtocolTypeRouter({"http": pages, "websocket": URLRouter(sockets)})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] in ("http", "websocket"):
        processes.start("web", sources)
        watchdog.start(web=asyncio.get_running_loop(), background=loop.current())
        current()  # so that pages are marked
        scope["line"] = Line(send)
    await router(scope, receive, send)
