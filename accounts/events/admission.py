"""Who comes with the same token at the same time is looked up once: all of a desk's programs come
back together when a web process was started anew."""

import asyncio
from collections.abc import Awaitable, Callable

from accounts.events.access import Holder

_under_way: dict[str, asyncio.Future[Holder]] = {}


async def admitted(key: str, look: Callable[[], Awaitable[Holder]]) -> Holder:
    """What `look` finds, or is finding already for the same key. Raises what it raises."""
    looking = _under_way.get(key)
    if looking is None or looking.get_loop() is not asyncio.get_running_loop():
        looking = _under_way[key] = asyncio.ensure_future(look())
        looking.add_done_callback(lambda _: _under_way.pop(key, None))
    # One that leaves meanwhile does not take the answer from the others.
    return await asyncio.shield(looking)
