"""The page of all agents."""

import re

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Locator, Page, expect

from accounts.models import Agent
from accounts.polling import poller
from tests.browser.desk import Desk, is_marked, mark, toast
from tests.scripted_fleet import ScriptedFleet

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def row(page: Page, agent: Agent) -> Locator:
    return page.locator(f"#agent-{agent.pk}")


def poll(*agents: Agent) -> None:
    list(poller.refresh(agents))


async def test_every_agent_is_listed_and_its_state_follows_at_once(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(3)
    await threaded(poll)(*agents)
    page = await desk.open(viewer, "/agents/")
    await mark(page)
    for agent in agents:
        await expect(row(page, agent)).to_contain_text(agent.name)
        await expect(row(page, agent).locator('[data-cell="state"]')).to_have_text("Online")
        await expect(row(page, agent).locator('[data-cell="latency"]')).to_have_text(
            re.compile(r"\d+ ms")
        )
    fleet.failing.add(2)
    await threaded(poll)(agents[1])
    await expect(row(page, agents[1]).locator('[data-cell="state"]')).to_have_text("Error")
    await expect(row(page, agents[1]).locator('[data-cell="failures"]')).to_have_text("1")
    await expect(row(page, agents[1]).locator('[data-cell="error"]')).to_contain_text("500")
    await expect(row(page, agents[0]).locator('[data-cell="state"]')).to_have_text("Online")
    assert await is_marked(page)


async def test_the_button_of_a_row_asks_that_agent_alone(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(2)
    page = await desk.open(viewer, "/agents/")
    await mark(page)
    await expect(row(page, agents[1]).locator('[data-cell="state"]')).to_have_text("Not polled yet")
    await page.get_by_role("button", name="Refresh vps-0002").click()
    await expect(toast(page)).to_have_text(re.compile(r"^vps-0002: Read in \d+ ms"))
    await expect(row(page, agents[1]).locator('[data-cell="state"]')).to_have_text("Online")
    assert fleet.asked[1, "GET /accounts"] == 0
    assert await is_marked(page)


async def test_refresh_all_names_those_that_failed(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(3)
    fleet.failing.add(3)
    page = await desk.open(viewer, "/agents/")
    await page.get_by_role("button", name="Refresh all").click()
    await expect(toast(page)).to_contain_text("2 of 3 agents answered; failed: vps-0003")
    await expect(row(page, agents[0]).locator('[data-cell="state"]')).to_have_text("Online")
    await expect(row(page, agents[2]).locator('[data-cell="state"]')).to_have_text("Error")


async def test_agents_are_searched_and_sorted_by_the_url(
    desk: Desk, viewer: User, fleet: ScriptedFleet
) -> None:
    agents = await threaded(fleet.make_agents)(2)
    page = await desk.open(viewer, "/agents/?sort=-name")
    await expect(page.locator("#agents tbody tr").first).to_have_id(f"agent-{agents[1].pk}")
    await page.get_by_role("searchbox").fill("vps-0001")
    await expect(page).to_have_url(re.compile(r"/agents/\?q=vps-0001&sort=-name$"))
    await expect(page.locator("#agents tbody tr")).to_have_count(1)
    await page.evaluate("() => { setTimeout(() => history.back()); }")
    await expect(page.locator("#agents tbody tr")).to_have_count(2)
    await expect(page.get_by_role("searchbox")).to_have_value("")
