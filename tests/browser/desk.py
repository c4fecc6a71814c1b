"""The browsers of a desk: each page is opened in one of its own, and says nothing wrong."""

import asyncio
from typing import Any

from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Request, Response, expect

from accounts.live.publisher import publisher
from tests.live.page import PATIENCE_S, session_of
from tests.live.served import Served

DEADLINE_MS = 30_000
expect.set_options(timeout=DEADLINE_MS)


class Desk:
    """`problems` are errors and warnings on the console, and requests that failed."""

    def __init__(self, chromium: Browser, served: Served) -> None:
        self.served = served
        self.problems: list[str] = []
        self._chromium = chromium
        self._excused: tuple[str, ...] = ()

    async def open(self, user: User | None, path: str = "/", **context: Any) -> Page:
        """A page in a new browser of this user, who has signed in; a live one is live. What was
        changed before is published before: pages would read themselves again for it."""
        assert await asyncio.to_thread(publisher().drain, PATIENCE_S)
        browser = await self._chromium.new_context(base_url=self.served.origin, **context)
        browser.set_default_timeout(DEADLINE_MS)
        if user is not None:
            session = await threaded(session_of)(user)
            await browser.add_cookies(
                [{"name": "session", "value": session, "url": self.served.origin}]
            )
        page = await browser.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.problems.append(f"script: {error}"))
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)
        await visit(page, path)
        return page

    def excuse(self, *texts: str) -> None:
        """Problems with one of these in them are what the test is about."""
        self._excused += texts

    def unexcused(self) -> list[str]:
        return [p for p in self.problems if not any(text in p for text in self._excused)]

    async def close(self) -> None:
        for context in list(self._chromium.contexts):
            await context.close()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.problems.append(f"console on {message.location['url']}: {message.text}")

    def _failed(self, request: Request) -> None:
        # A search that goes on replaces the one before, and a page that is left ends its own.
        if request.failure != "net::ERR_ABORTED":
            self.problems.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            asked = f"{response.request.method} {response.url}"
            self.problems.append(f"{response.status}: {asked}")


async def visit(page: Page, path: str) -> None:
    await page.goto(path)
    if await badge(page).count():
        await expect(badge(page)).to_have_text("Live")


def badge(page: Page) -> Locator:
    return page.locator("#link-badge")


def row(page: Page, number: int) -> Locator:
    return page.locator(f"#account-{number}")


def cell(page: Page, number: int, name: str) -> Locator:
    return row(page, number).locator(f'[data-cell="{name}"]')


def toast(page: Page) -> Locator:
    return page.locator(".toast")


async def numbers(page: Page) -> list[int]:
    """The accounts on screen, in their order."""
    shown: list[str] = await page.locator("#accounts tbody tr").evaluate_all(
        "rows => rows.map((row) => row.dataset.account)"
    )
    return [int(number) for number in shown]


async def mark(page: Page) -> None:
    """So that it can be told whether the page has been loaded again."""
    await page.evaluate("window.notLoadedAgain = true")


async def is_marked(page: Page) -> bool:
    return bool(await page.evaluate("window.notLoadedAgain === true"))


async def is_wider_than_its_window(page: Page) -> bool:
    return bool(
        await page.evaluate(
            "Math.max(document.documentElement.scrollWidth, document.body.scrollWidth) > innerWidth"
        )
    )
