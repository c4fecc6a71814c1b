"""What a socket is told, through the real ASGI application."""

import json

import pytest
from channels.db import database_sync_to_async as threaded
from pytest_django import Settings

from accounts.live.current import mark
from accounts.live.hub import Hub
from tests.factories import make_user
from tests.live.page import Page, session_of


async def closed(page: Page) -> tuple[int, str]:
    frames = await page.until("closed")
    assert frames[-2]["type"] == "bye"
    assert frames[-2]["reason"] == frames[-1]["reason"]
    return frames[-1]["code"], frames[-1]["reason"]


async def test_nobody_is_closed_as_signed_out(hub: Hub) -> None:
    async with Page() as page:
        assert await closed(page) == (4401, "You are signed out.")


async def test_a_user_without_the_permission_is_closed_as_forbidden(hub: Hub) -> None:
    user = await threaded(make_user)()
    async with Page(await threaded(session_of)(user)) as page:
        assert (await closed(page))[0] == 4403


async def test_the_agents_page_needs_its_own_permission(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        page.watch(page="agents", agents=[1])
        assert (await closed(page))[0] == 4403


async def test_another_address_is_told_so(hub: Hub, session: str) -> None:
    async with Page(session, path="/ws/other/") as page:
        assert (await closed(page))[0] == 4404


@pytest.mark.parametrize("text", ["{", "null", '{"type":"ack","beat":1}', '{"type":"watch"}'])
async def test_a_malformed_frame_closes_the_socket(hub: Hub, session: str, text: str) -> None:
    async with Page(session) as page:
        page.say(text)
        assert (await closed(page))[0] == 4400
    assert not hub.pages.open


async def test_a_binary_frame_closes_the_socket(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        page.say_bytes(b"{}")
        assert (await closed(page))[0] == 4400


async def test_an_oversized_frame_closes_the_socket(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        page.say(" " * 70_000)
        assert (await closed(page))[0] == 4413


async def test_a_flood_of_frames_closes_the_socket(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        for _ in range(100):
            page.watch(1)
        assert (await closed(page))[0] == 4429


async def test_one_user_may_have_so_many_sockets_and_no_more(
    hub: Hub, session: str, settings: Settings
) -> None:
    settings.LIVE_SOCKETS_PER_USER = 2
    async with Page(session) as first:
        await first.get("hello")
        async with Page(session) as second:
            await second.get("hello")
            async with Page(session) as third:
                assert (await closed(third))[0] == 4429
        async with Page(session) as third:
            await third.get("hello")


async def test_a_socket_that_leaves_is_forgotten(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        await page.settled(1, agents=[1], query="q=1")
        assert len(hub.pages.open) == 1
    assert not hub.pages.open
    assert not list(hub.pages.screens)


async def test_the_beat_carries_where_the_page_is(quick: Settings, hub: Hub, session: str) -> None:
    async with Page(session) as page:
        page.watch(1)
        beat = await page.get("beat")
        assert (beat["epoch"], beat["seq"]) == mark()
        assert beat["seen"] == {}
        json.dumps(beat)
        assert (await page.get("beat"))["beat"] != beat["beat"]
