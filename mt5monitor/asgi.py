"""The ASGI application: pages by Django, sockets of live pages through Channels' routing."""

import os
from typing import Any, cast

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
pages = get_asgi_application()  # before anything that imports models

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from accounts import live  # noqa: E402
from accounts.consumers import Receive, Scope, Send, live_page, no_page  # noqa: E402
from accounts.programs.socket import program  # noqa: E402
from mt5monitor.line import Line  # noqa: E402
from mt5monitor.open_files import allow_enough  # noqa: E402
from mt5monitor.origins import TrustedOrigins  # noqa: E402

allow_enough()
# django-stubs knows of views only in routes.
sockets = [
    path("ws/live/", cast("Any", TrustedOrigins(AuthMiddlewareStack(live_page)))),
    re_path("^ws/?$", cast("Any", TrustedOrigins(AuthMiddlewareStack(program), for_programs=True))),
    re_path("", cast("Any", TrustedOrigins(no_page))),
]
router = ProtocolTypeRouter({"http": pages, "websocket": URLRouter(sockets)})


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] in ("http", "websocket"):
        await live.ready()
        scope["line"] = Line(send)
    await router(scope, receive, send)
