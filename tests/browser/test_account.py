"""The page of one account."""

import re

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import expect

from accounts.models import Agent
from accounts.polling import poller
from tests.browser.desk import Desk, is_marked, mark, toast
from tests.factories import make_account
from tests.scripted_fleet import ScriptedFleet, told, told_positions

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def read(agent: Agent) -> None:
    assert [outcome.ok for outcome in poller.refresh([agent])] == [True]


async def test_figures_and_positions_move_by_themselves(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    (agent,) = await threaded(fleet.make_agents)(1)
    await threaded(read)(agent)
    page = await desk.open(viewer, "/accounts/1/")
    await mark(page)
    panel = page.locator("#account-panel")
    await expect(panel.locator('[data-cell="balance"]')).to_contain_text("100,000.00")
    fleet.replies[1] = told(1, balance=99_000.5, has_open_position=True)
    fleet.positions[1] = told_positions(1, 77, 78, profit=-3.25)
    await threaded(read)(agent)
    await expect(panel.locator('[data-cell="balance"]')).to_contain_text("99,000.50")
    await expect(panel.locator('[data-cell="floating"]')).to_contain_text("-7.50")
    await expect(page.locator("#position-77")).to_contain_text("EURUSD")
    await expect(page.locator("#position-78")).to_contain_text("-3.25")
    fleet.positions[1] = told_positions(1, 78)
    await threaded(read)(agent)
    await expect(page.locator("#position-77")).to_have_count(0)
    assert await is_marked(page)


async def test_the_button_reads_the_account_now(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    (agent,) = await threaded(fleet.make_agents)(1)
    await threaded(read)(agent)
    page = await desk.open(viewer, "/accounts/1/")
    await mark(page)
    fleet.replies[1] = told(1, balance=5.25)
    await page.get_by_role("button", name="Refresh").click()
    await expect(toast(page)).to_have_text(re.compile(r"^vps-0001: Read in \d+ ms, changed\.$"))
    await expect(page.locator('#account-panel [data-cell="balance"]')).to_contain_text("5.25")
    assert await is_marked(page)


async def test_a_refresh_that_fails_says_why(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    (agent,) = await threaded(fleet.make_agents)(1)
    await threaded(read)(agent)
    page = await desk.open(viewer, "/accounts/1/")
    fleet.failing.add(1)
    await page.get_by_role("button", name="Refresh").click()
    await expect(toast(page)).to_contain_text("vps-0001: ")
    await expect(toast(page)).to_have_class(re.compile("bad"))
    await expect(page.locator("#account-panel")).to_have_class(re.compile("is-stale"))
    await expect(page.locator('#account-panel [data-cell="balance"]')).to_contain_text("100,000.00")


async def test_phase_and_vs_group_are_edited_here_as_well(desk: Desk, editor: User) -> None:
    account = await threaded(make_account)()
    page = await desk.open(editor, f"/accounts/{account.number}/")
    await mark(page)
    await page.keyboard.press("e")
    await page.locator("#editor").get_by_role("button", name="R", exact=True).click()
    phase = page.locator('#account-panel [data-edit="phase"]')
    await expect(phase).to_have_text("R")
    await expect(page.locator("#editor")).to_be_hidden()
    await page.keyboard.press("v")
    await page.get_by_label(f"VS group of {account.number}").fill("Alba")
    await page.keyboard.press("Enter")
    await expect(page.locator('#account-panel [data-edit="vs"]')).to_have_text("AlbaA")
    # What was done is told at once below.
    edits = page.get_by_role("table", name="The last edits")
    await expect(edits).to_contain_text("VS group – → Alba")
    await expect(edits).to_contain_text("phase F1 → R")
    assert await is_marked(page)
