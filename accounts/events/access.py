"""Who an API client is, by its token; a page of ours may use its session."""

import asyncio
from collections.abc import Awaitable, Callable

from accounts.api.caller import by_token
from accounts.live import access
from accounts.live.access import Viewer
from accounts.live.frames import Refused
from accounts.models.token import WRONG_TOKEN
from mt5monitor.api.limits import TooOften

_under_way: dict[str, asyncio.Future[Viewer]] = {}


def by_key(key: str, from_address: str) -> Viewer:
    """Return the bearer of this token. Raise Refused."""
    try:
        caller = by_token(key, from_address)
    except TooOften as why:
        raise Refused(Refused.TOO_MANY, str(why)) from why
    if caller is None or caller.token is None:
        raise Refused(Refused.SIGNED_OUT, WRONG_TOKEN)
    return access.admitted(Viewer(caller.user.pk, token_id=caller.token.pk))


async def admitted(key: str, look: Callable[[], Awaitable[Viewer]]) -> Viewer:
    """Return what `look` finds, or is finding already for the same key; raise what it raises.

    All of a desk's clients come back together when a web process was restarted."""
    looking = _under_way.get(key)
    if looking is None or looking.get_loop() is not asyncio.get_running_loop():
        looking = _under_way[key] = asyncio.ensure_future(look())
        looking.add_done_callback(lambda _: _under_way.pop(key, None))
    # One that leaves meanwhile does not take the answer from the others.
    return await asyncio.shield(looking)
