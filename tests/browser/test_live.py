"""Rows that change under the eyes of whoever looks, and a socket that dies."""

import re
from typing import Any

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.async_api import Page, expect

from accounts.models import Account, Agent
from accounts.polling import poller
from tests.browser.desk import Desk, badge, cell, is_marked, mark, row
from tests.factories import make_account
from tests.scripted_fleet import ScriptedFleet, told, told_positions

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

# What changes in the rows, but for the ages, which tick; and which cells flash, and how.
WATCH = """() => {
    window.touched = new Set();
    window.flashed = new Set();
    const observer = new MutationObserver((changes) => {
        for (const { target, addedNodes, attributeName } of changes) {
            const element = target.nodeType === Node.ELEMENT_NODE ? target : target.parentElement;
            const row = element?.closest("tr");
            if (!row || element.closest("[data-age]") || attributeName === "data-seen") continue;
            window.touched.add(row.dataset.account);
            for (const cell of addedNodes) {
                if (!cell.classList?.contains("flash")) continue;
                window.flashed.add(`${cell.dataset.cell} ${cell.className}`);
            }
        }
    });
    const what = { subtree: true, childList: true, characterData: true, attributes: true };
    observer.observe(document.querySelector("#accounts tbody"), what);
}"""
COLOUR = "(element) => getComputedStyle(element).color"
MUTED = """() => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = "var(--muted)";
    const colour = getComputedStyle(probe).color;
    probe.remove();
    return colour;
}"""


def read(*agents: Agent) -> None:
    """As a poll that is due: asked over HTTP, recorded, shown."""
    outcomes = list(poller.refresh(agents))
    assert all(outcome.ok for outcome in outcomes), outcomes


async def of_page(page: Page, expression: str) -> Any:
    return await page.evaluate(expression)


async def test_an_answer_moves_its_figures_and_the_totals_and_touches_no_other_row(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(3)
    await threaded(read)(*agents)
    page = await desk.open(viewer)
    totals = page.locator("#totals")
    await expect(totals).to_contain_text("300,000.00")
    await mark(page)
    await of_page(page, WATCH)
    fleet.replies[2] = told(2, balance=101_500.25, has_open_position=True)
    fleet.positions[2] = told_positions(2, 11, profit=-120.5)
    await threaded(read)(agents[1])
    await expect(cell(page, 2, "balance")).to_have_text("101,500.25")
    await expect(cell(page, 2, "floating")).to_have_text("-121.00")
    await expect(cell(page, 2, "floating")).to_have_class(re.compile("loss"))
    await expect(cell(page, 2, "open")).to_have_text("1")
    await expect(totals).to_contain_text("301,500.25")
    flashed = set(await of_page(page, "[...window.flashed]"))
    assert {"balance flash flash-up", "pl gain flash flash-up"} <= flashed
    assert "floating loss flash flash-down" in flashed
    assert await of_page(page, "[...window.touched]") == ["2"]
    assert await is_marked(page)
    await expect(page.locator(".flash")).to_have_count(0)  # for a moment only


async def test_an_answer_with_nothing_new_touches_no_row_at_all(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(2)
    await threaded(read)(*agents)
    page = await desk.open(viewer)
    await of_page(page, WATCH)
    fleet.replies[1] = told(1, last_updated="2026-01-05T10:00:09")
    await threaded(read)(agents[0])
    fleet.replies[2] = told(2, balance=1.0)
    await threaded(read)(agents[1])
    await expect(cell(page, 2, "balance")).to_have_text("1.00")
    assert await of_page(page, "[...window.touched]") == ["2"]


async def test_an_account_that_was_not_there_before_appears_by_itself(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(2)
    await threaded(read)(agents[0])
    page = await desk.open(viewer)
    await mark(page)
    await threaded(read)(agents[1])
    await expect(row(page, 2)).to_be_visible()
    assert await is_marked(page)


async def test_a_failing_agent_turns_its_row_grey_with_a_reason_and_keeps_figures(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(2)
    await threaded(read)(*agents)
    page = await desk.open(viewer)
    fleet.replies[2] = b"<html>moved</html>"
    await threaded(lambda: list(poller.refresh([agents[1]])))()
    await expect(cell(page, 2, "state")).to_have_text("Error")
    await expect(row(page, 2)).to_have_class(re.compile("is-stale"))
    await expect(cell(page, 2, "balance")).to_have_text("100,000.00")
    await expect(cell(page, 2, "state").locator("[title]")).to_have_attribute(
        "title", re.compile(".")
    )
    muted = await of_page(page, MUTED)
    assert await cell(page, 2, "balance").evaluate(COLOUR) == muted
    assert await cell(page, 1, "balance").evaluate(COLOUR) != muted
    await expect(page.locator("#totals")).to_contain_text("1 stale, left out")


async def shows_that_it_is_dead(page: Page, number: int) -> None:
    await expect(badge(page)).to_have_text("No connection, figures may be old")
    muted = await of_page(page, MUTED)
    assert await cell(page, number, "balance").evaluate(COLOUR) == muted
    assert await page.locator("#totals .money dd").first.evaluate(COLOUR) == muted


async def is_alive_again(page: Page, number: int) -> None:
    await expect(badge(page)).to_have_text("Live")
    await expect(cell(page, number, "balance")).to_have_text("77.00")
    assert await cell(page, number, "balance").evaluate(COLOUR) != await of_page(page, MUTED)
    assert await is_marked(page)


def change_unseen(account: Account) -> None:
    """As a poll writes it, but no message of it comes through."""
    Account.objects.filter(pk=account.pk).update(balance=77, changed_at=timezone.now())


async def test_a_server_that_hangs_shows_and_so_does_its_return(
    frail_desk: Desk, viewer: User
) -> None:
    account = await threaded(make_account)()
    page = await frail_desk.open(viewer)
    await mark(page)
    frail_desk.excuse("WebSocket")  # the one that was opened meanwhile
    frail_desk.served.freeze()
    try:
        await shows_that_it_is_dead(page, account.number)
        await threaded(change_unseen)(account)
    finally:
        frail_desk.served.thaw()
    await is_alive_again(page, account.number)


async def test_a_server_that_is_killed_shows_and_its_successor_brings_the_rows_again(
    frail_desk: Desk, viewer: User
) -> None:
    account = await threaded(make_account)()
    page = await frail_desk.open(viewer)
    await mark(page)
    frail_desk.excuse("WebSocket", "ERR_CONNECTION_REFUSED")  # nobody listens there for a while
    frail_desk.served.kill()
    try:
        await shows_that_it_is_dead(page, account.number)
        await threaded(change_unseen)(account)
    finally:
        frail_desk.served.start()
    await is_alive_again(page, account.number)
