"""Names from outside: as text, in full for whoever asks, and never wider than the window."""

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import expect

from accounts import edits
from accounts.models import Account
from tests.browser.desk import Desk, cell, is_wider_than_its_window, visit
from tests.factories import make_account, make_firm, make_online_agent, make_phase, make_position

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

MARKUP = '<img src=x onerror="document.title=1"><b>bold</b>'
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}


def make_named(name: str) -> Account:
    """With this name, or as much of it as fits, wherever one can stand."""
    agent = make_online_agent(
        name=name[:64], status_reason=name, status_code="teapot", display_name=name[:80]
    )
    account = make_account(
        name=name[:128],
        holder=name[:80],
        server=name[:64],
        currency="WWWWWWWW",
        note=name * 5,
        agent=agent,
        firm=make_firm(name[:80], max_drawdown_pct=10),
        phase=make_phase(name[:16]),
        open_positions=1,
        balance=123_456_789_012,
    )
    edits.set_vs_group(account, name[:40])
    other = make_account(agent=agent)
    edits.set_vs_group(other, name[:40])
    make_position(account, symbol="W" * 32, profit=-123_456_789)
    return account


async def test_markup_in_a_name_is_text_on_every_page(desk: Desk, editor: User) -> None:
    account = await threaded(make_named)(MARKUP)
    page = await desk.open(editor)
    await expect(cell(page, account.number, "holder")).to_have_text(MARKUP)
    # By the socket as well as by the page.
    await threaded(edits.set_phase)([account], await threaded(make_phase)("R"))
    await expect(cell(page, account.number, "phase")).to_have_text("R")
    await expect(cell(page, account.number, "firm")).to_have_text(MARKUP)
    for path in ("/", f"/accounts/{account.number}/", "/agents/", "/suggestions/"):
        await visit(page, path)
        await expect(page.locator("main :is(img, b:text('bold'))")).to_have_count(0)
        await expect(page).to_have_title(title_of(path, account.number))


def title_of(path: str, number: int) -> str:
    names = {"/": "Fleet", "/agents/": "Agents", "/suggestions/": "Suggested pairs"}
    return f"{names.get(path, number)} · MT5 Monitor"


@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_the_longest_names_make_no_page_wider_than_its_window(
    desk: Desk, boss: User, window: dict[str, int]
) -> None:
    account = await threaded(make_named)("W" * 200)
    page = await desk.open(boss, viewport=window)
    paths = ("/", f"/accounts/{account.number}/", "/agents/", "/suggestions/", "/accounts/404404/")
    desk.excuse("404404", "status of 404")
    for path in paths:
        await visit(page, path)
        assert not await is_wider_than_its_window(page), path


@pytest.mark.parametrize("window", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_editors_selection_and_drawer_stay_within_the_window(
    desk: Desk, boss: User, window: dict[str, int]
) -> None:
    account = await threaded(make_named)("W" * 200)
    await threaded(make_account)(firm=account.firm, holder="W" * 80)
    await threaded(make_account)(firm=account.firm, holder="W" * 80)
    page = await desk.open(boss, viewport=window)

    async def is_inside(selector: str) -> bool:
        box = await page.locator(selector).bounding_box()
        assert box is not None
        right, bottom = box["x"] + box["width"], box["y"] + box["height"]
        return (
            min(box["x"], box["y"]) >= 0 and right <= window["width"] and bottom <= window["height"]
        )

    for name in ("phase", "vs"):
        await cell(page, account.number, name).get_by_role("button").click()
        await expect(page.locator("#editor")).to_be_visible()
        assert await is_inside("#editor"), name
        await page.keyboard.press("Escape")
    await page.get_by_label(f"Select {account.number}").check()
    assert await is_inside("#bulk")
    await page.get_by_label("Clear the selection").click()
    await page.get_by_role("link", name="Suggested pairs").click()
    await expect(page.locator("#drawer")).to_be_visible()
    assert await is_inside("#drawer")
    assert not await page.locator("#drawer").evaluate("(box) => box.scrollWidth > box.clientWidth")
    assert not await is_wider_than_its_window(page)
