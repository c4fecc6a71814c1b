"""Streams of events, without a server; how they travel is in test_events.py."""

import asyncio
from contextlib import aclosing

import pytest
from channels.db import database_sync_to_async as threaded

from accounts.events import follower
from accounts.events.feed import Feed, FeedFollower, mark_of
from accounts.live.access import Viewer
from accounts.live.current import current
from accounts.live.events import Event
from tests.factories import make_user
from tests.live.page import PATIENCE_S
from tests.valkey import PrivateValkey


async def test_a_ping_is_said_when_nothing_else_is(
    rows: None, valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follower, "PING_S", 0.05)
    user = await threaded(make_user)("accounts.view_account")
    viewer = Viewer(user.pk, kinds=frozenset({"account_update"}))

    class Nothing(Feed):
        needs = "account_update"

        async def made_of(self, events: list[Event], viewer: Viewer) -> list[tuple[str, str]]:
            return []

    async with aclosing(FeedFollower(viewer, Nothing(), 1.0).follow()) as following:
        async with asyncio.timeout(PATIENCE_S):
            assert (await anext(following)).startswith(b"id: ")
            assert [await anext(following) for _ in range(2)] == [b": ping\n\n"] * 2
    assert not current().listeners


def test_a_mark_is_read_or_none_of_ours() -> None:
    assert mark_of("") is None
    assert mark_of("abc:12") == ("abc", 12)
    assert mark_of("abc:١") == ("?", 0)
    assert mark_of("abc") == ("?", 0)
