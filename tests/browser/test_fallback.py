"""A page whose socket is blocked: it falls to events, to polling, and climbs back."""

import asyncio
import json
import re
from typing import Any

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from playwright.async_api import Page, Route, WebSocketRoute, expect

from accounts.live.publishing import publish_accounts
from accounts.models import Account
from tests.browser.desk import Desk, badge, cell, is_marked, mark
from tests.factories import make_account
from tests.live.page import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

SOCKETS, EVENTS = re.compile("/ws/live/"), re.compile("/events/accounts")


# An open stream is out of reach of a route.
KEEP = """
    localStorage.setItem("poll-seconds", localStorage.getItem("poll-seconds") || "2");
    window.beats = 0;
    window.EventSource = class extends EventSource {
        constructor(...where) {
            super(...where);
            window.source = this;
            this.addEventListener("seen", () => { window.beats += 1; });
        }
    };
"""
LEADS = "window.source !== undefined && window.source.readyState !== EventSource.CLOSED"
BREAK = "window.source.close(); window.source.dispatchEvent(new Event('error'))"


def write(number: int, balance: int) -> None:
    with transaction.atomic():
        now = timezone.now()
        Account.objects.filter(number=number).update(balance=balance, changed_at=now)
        publish_accounts([number])


class Ways:
    """Which ways to the server are open."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.socket = self.events = True
        self.reads = 0  # of the page, by itself
        self._open: list[WebSocketRoute] = []

    async def watch(self) -> None:
        await self._page.add_init_script(KEEP)
        await self._page.context.route_web_socket(SOCKETS, self.route_socket)
        await self._page.context.route(EVENTS, self._events)
        self._page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        self.reads += request.headers.get("hx-request") == "true"

    async def route_socket(self, route: WebSocketRoute) -> None:
        if not self.socket:
            await route.close(code=1013)
            return
        route.connect_to_server()
        self._open.append(route)

    async def _events(self, route: Route) -> None:
        await (route.continue_() if self.events else route.fulfill(status=503))

    async def shut_socket(self) -> None:
        self.socket = False
        for route in self._open:
            await route.close(code=1013)
        self._open.clear()


async def page_heard(page: Page, more: int) -> None:
    """So many beats of the stream from now."""
    until = await page.evaluate("window.beats") + more
    async with asyncio.timeout(PATIENCE_S):
        while await page.evaluate("window.beats") < until:
            await asyncio.sleep(0.1)


async def test_a_page_falls_to_events_and_to_polling_and_climbs_back(
    desk: Desk, viewer: User
) -> None:
    account = await threaded(make_account)()
    desk.excuse("503")
    page = await desk.open(viewer)
    ways = Ways(page)
    await ways.watch()
    await page.reload()
    await expect(badge(page)).to_have_text("Live")
    await mark(page)
    control = page.locator("#link-poll")

    await ways.shut_socket()
    await expect(badge(page)).to_have_text("Events")
    await threaded(write)(account.number, 11)
    await expect(cell(page, account.number, "balance")).to_have_text("11.00")
    await expect(control).to_be_hidden()
    # Nothing polls meanwhile: it is read when something changed, and only then.
    await page_heard(page, 2)
    reads = ways.reads
    await page_heard(page, 2)
    assert ways.reads == reads

    ways.events = False
    await page.evaluate(BREAK)
    await expect(badge(page)).to_have_text("Polling")
    await expect(control).to_have_value("2")
    await threaded(write)(account.number, 12)
    await expect(cell(page, account.number, "balance")).to_have_text("12.00")
    await control.select_option("15")
    assert await page.evaluate("localStorage.getItem('poll-seconds')") == "15"

    ways.events = True
    await expect(badge(page)).to_have_text("Events")
    ways.socket = True
    await expect(badge(page)).to_have_text("Live")
    await threaded(write)(account.number, 13)
    await expect(cell(page, account.number, "balance")).to_have_text("13.00")
    await expect(control).to_be_hidden()
    assert await is_marked(page)
    assert json.loads(await page.evaluate("JSON.stringify(localStorage)"))["poll-seconds"] == "15"


# --- several pages of one browser ---------------------------------------------------------------
async def open_beside(page: Page, path: str = "/") -> Page:
    """Another page in the same browser, as another window of the same person."""
    other = await page.context.new_page()
    await other.goto(path)
    return other


async def count(pages: list[Page], what: str) -> int:
    return sum([bool(await page.evaluate(what)) for page in pages])


async def until_leaders(pages: list[Page], number: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await count(pages, LEADS) != number:
            await asyncio.sleep(0.1)


async def test_seven_pages_without_sockets_share_one_stream_of_events(
    desk: Desk, viewer: User
) -> None:
    """A browser keeps six connections to a server: with a stream each, the seventh page hung."""
    account = await threaded(make_account)()
    first = await desk.open(viewer)
    ways = Ways(first)
    ways.socket = False
    await first.context.add_init_script(KEEP)
    await first.context.route_web_socket(SOCKETS, ways.route_socket)
    await first.reload()
    pages = [first, *[await open_beside(first) for _ in range(6)]]
    for page in pages:
        await expect(badge(page)).to_have_text("Events")
    await until_leaders(pages, 1)
    await threaded(write)(account.number, 21)
    for page in pages:
        await expect(cell(page, account.number, "balance")).to_have_text("21.00")

    (leader,) = [page for page in pages if await page.evaluate(LEADS)]
    await leader.close()
    pages.remove(leader)
    await until_leaders(pages, 1)
    await threaded(write)(account.number, 22)
    for page in pages:
        await expect(cell(page, account.number, "balance")).to_have_text("22.00")
        await expect(badge(page)).to_have_text("Events")


async def test_log_pages_beyond_the_third_are_read_again_instead_of_streamed(
    desk: Desk, boss: User
) -> None:
    live, polling = (
        f"document.getElementById('log-badge').textContent === '{text}'"
        for text in ("Live", "Polling")
    )
    first = await desk.open(boss, "/logs/")
    pages = [first, *[await open_beside(first, "/logs/") for _ in range(6)]]

    async def shown(on: int, off: int) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while (await count(pages, live), await count(pages, polling)) != (on, off):
                await asyncio.sleep(0.1)

    await shown(3, 4)
    await pages.pop(0).close()
    await shown(3, 3)
