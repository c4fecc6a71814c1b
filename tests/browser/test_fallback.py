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

from accounts.broadcast import publish_accounts
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
        await self._page.context.route_web_socket(SOCKETS, self._socket)
        await self._page.context.route(EVENTS, self._events)
        self._page.on("request", self._asked)

    def _asked(self, request: Any) -> None:
        self.reads += request.headers.get("hx-request") == "true"

    async def _socket(self, route: WebSocketRoute) -> None:
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
