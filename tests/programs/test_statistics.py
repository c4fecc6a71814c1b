"""How many sockets and streams are open, as Daphne's own process counts them."""

import asyncio
import json
import urllib.request
from typing import Any

from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User

from tests.live.page import PATIENCE_S, session_of
from tests.live.served import Served
from tests.programs.desk import Stream, bearer, get, socket
from tests.valkey import PrivateValkey


async def ask(served: Served, key: str, path: str) -> Any:
    def read() -> Any:
        request = urllib.request.Request(f"{served.origin}/api/{path}", headers=bearer(key))  # noqa: S310
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return json.load(answer)

    return await asyncio.to_thread(read)


async def connections(served: Served, key: str, **expected: int) -> dict[str, Any]:
    """What is counted, once it is as expected: one that left is counted until its end is seen."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            stats: dict[str, Any] = await ask(served, key, "cache/stats")
            if stats["connections"] == expected:
                return stats
            await asyncio.sleep(0.02)


async def test_open_sockets_and_streams_are_counted_by_kind(
    served: Served, user: User, key: str, valkey: PrivateValkey
) -> None:
    session = await threaded(session_of)(user)
    await connections(served, key, page_sockets=0, program_sockets=0, streams=0)
    async with (
        socket(served, key) as program,
        socket(served, session=session, origin=served.origin) as second,
        socket(served, session=session, origin=served.origin, path="/ws/live/") as page,
        Stream(served, "/events/accounts", **bearer(key)) as stream,
    ):
        await get(program, "hello")
        await get(second, "hello")
        await get(page, "hello")
        assert stream.status == 200
        stats = await connections(served, key, page_sockets=1, program_sockets=2, streams=1)
        assert stats["connection_count"] == 4
    await connections(served, key, page_sockets=0, program_sockets=0, streams=0)
    # One that another test has just ended may still be listed.
    listed = (await ask(served, key, "statistics"))["processes"]
    opened = [one["counts"]["connections"]["program_sockets"]["opened"] for one in listed]
    assert {one["process"] for one in listed} == {"web"}
    assert max(opened) >= 2
