"""Sockets are for pages of our own only. Browsers do not hold sockets to the same-origin rule, and
they send cookies along, so the server compares the whole origin: scheme, host and port."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from accounts.consumers import RefusedSocket
from accounts.live.frames import Refused

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[Any]]
Origin = tuple[str, str, int]

DEFAULT_PORTS = {"http": 80, "https": 443}


def parsed(origin: str) -> Origin | None:
    """Scheme, host, port; None for what is no origin of a page on the web."""
    try:
        parts = urlsplit(origin)
        port = parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None
    if not parts.hostname or parts.path or parts.query or parts.fragment or parts.username:
        return None
    return parts.scheme, parts.hostname, port


def is_trusted(origin: str | None) -> bool:
    """Whether it is one of settings.TRUSTED_ORIGINS; a socket without an origin is no page's."""
    if origin is None or (asked := parsed(origin)) is None:
        return False
    return asked in {parsed(trusted) for trusted in settings.TRUSTED_ORIGINS}


class TrustedOrigins:
    """Accepts and closes with 4403 any socket whose Origin is foreign, doubled or missing; but one
    that is `for_programs` may have none, for then no browser opened it."""

    def __init__(self, application: Application, *, for_programs: bool = False) -> None:
        self._application = application
        self._for_programs = for_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = [value for name, value in scope["headers"] if name == b"origin"]
        is_ours = len(origins) == 1 and is_trusted(origins[0].decode("latin1"))
        if is_ours or (self._for_programs and not origins):
            await self._application(scope, receive, send)
            return
        refusal = Refused(Refused.FORBIDDEN, "This origin may not open sockets.")
        await RefusedSocket.as_asgi(refusal=refusal)(scope, receive, send)
