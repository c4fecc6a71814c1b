"""What the fleet shows is in the URL: sorted, searched, filtered, paged, and back again."""

import asyncio
import re
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.db import transaction
from playwright.async_api import Locator, Page, Route, expect

from accounts.live.publishing import publish_accounts
from accounts.models import Account
from tests.browser.desk import Desk, badge, cell, is_marked, mark, numbers, row, toast
from tests.factories import make_account, make_online_agent, make_phase
from tests.live.page import PATIENCE_S

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@transaction.atomic
def make_accounts(count: int) -> list[int]:
    """Numbers in ascending order; the higher the number, the lower the balance."""
    agent = make_online_agent()
    made = [make_account(agent=agent, balance=Decimal(99_000 - i)) for i in range(count)]
    return [account.number for account in made]


def phase_filter(page: Page) -> Locator:
    return page.locator("#filters").get_by_role("combobox", name="Phase")


async def shows(page: Page, url: str, shown: list[int]) -> None:
    """The page is at this query, and its rows are these, in this order."""
    await expect(page).to_have_url(re.compile(re.escape(url) + "$"))
    await expect(page.locator("#accounts tbody tr")).to_have_count(len(shown))
    await expect(page.locator("#accounts tbody tr").first).to_have_id(f"account-{shown[0]}")
    assert await numbers(page) == shown


async def travel(page: Page, way: str) -> None:
    """Through the history; the page may load itself again on the way, so nothing is waited for."""
    await page.evaluate("(way) => { setTimeout(() => history[way]()); }", way)


@pytest.mark.parametrize("path", ["/", "/agents/", "/logs/"])
async def test_a_long_list_scrolls_down_and_not_sideways(desk: Desk, boss: User, path: str) -> None:
    await threaded(make_accounts)(40)
    for _ in range(40):
        await threaded(make_online_agent)()
    page = await desk.open(boss, path, viewport={"width": 1440, "height": 400})
    main = page.locator("main")
    taken, shown, whole = await main.evaluate(
        "(e) => [e.offsetWidth, e.clientWidth, e.scrollWidth]"
    )
    assert taken > shown  # by its scrollbar
    assert whole == shown


async def test_a_heading_sorts_and_a_second_time_the_other_way_round(
    desk: Desk, viewer: User
) -> None:
    made = await threaded(make_accounts)(3)
    page = await desk.open(viewer)
    await mark(page)
    heading = page.get_by_role("columnheader", name="Balance")
    await heading.get_by_role("link").click()
    await shows(page, "/?sort=-balance", made)
    await expect(heading).to_have_attribute("aria-sort", "descending")
    await heading.get_by_role("link").click()
    await shows(page, "/?sort=balance", made[::-1])
    await expect(heading).to_have_attribute("aria-sort", "ascending")
    assert await is_marked(page)
    await expect(badge(page)).to_have_text("Live")


async def test_a_page_that_reads_itself_again_undoes_no_sort_made_meanwhile(
    desk: Desk, viewer: User
) -> None:
    made = await threaded(make_accounts)(2)
    page = await desk.open(viewer)
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(re.compile(r"/$"), held.put)
    await threaded(publish_accounts)(made, added=True)  # all lists are read again
    reading = await asyncio.wait_for(held.get(), PATIENCE_S)
    heading = page.get_by_role("columnheader", name="Balance").get_by_role("link")
    for sort, shown in (("-balance", made), ("balance", made[::-1])):
        await heading.click()
        await shows(page, f"/?sort={sort}", shown)
    async with page.expect_response(re.compile("sort=balance$")):  # and reads what is shown now
        await reading.continue_()
    await shows(page, "/?sort=balance", made[::-1])


async def test_a_page_that_reads_itself_again_is_not_in_the_way_of_a_click(
    desk: Desk, viewer: User
) -> None:
    made = await threaded(make_accounts)(2)
    page = await desk.open(viewer, "/?q=nobody")
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(re.compile(r"/$"), held.put, times=1)
    await page.get_by_role("link", name="Clear search and filters").click()
    clicked = await asyncio.wait_for(held.get(), PATIENCE_S)
    async with page.expect_response(re.compile("q=nobody$")) as reading:
        await threaded(publish_accounts)(made, added=True)  # all lists are read again
    await (await reading.value).finished()
    await page.evaluate("() => new Promise(requestAnimationFrame)")  # it was looked at
    await clicked.continue_()
    await shows(page, "/", made)


async def test_back_forward_and_reload_bring_every_look_again(desk: Desk, viewer: User) -> None:
    made = await threaded(make_accounts)(3)
    found = await threaded(make_account)(holder="Ximena Paz", phase=await threaded(make_phase)("R"))
    everybody = [*made, found.number]
    page = await desk.open(viewer)
    search, phase = page.get_by_role("searchbox"), phase_filter(page)
    await search.fill("ximena")
    await shows(page, "/?q=ximena", [found.number])
    await search.fill("")
    await shows(page, "/", everybody)
    await phase.select_option("F1")
    await shows(page, "/?phase=F1", made)
    await page.get_by_role("columnheader", name="Account").get_by_role("link").click()
    await shows(page, "/?phase=F1&sort=-number", made[::-1])
    await expect(phase).to_have_value("F1")
    for url, shown, chosen, asked in (
        ("/?phase=F1", made, "F1", ""),
        ("/", everybody, "", ""),
        ("/?q=ximena", [found.number], "", "ximena"),
    ):
        await travel(page, "back")
        await shows(page, url, shown)
        await expect(phase).to_have_value(chosen)
        await expect(search).to_have_value(asked)
    await travel(page, "forward")
    await shows(page, "/", everybody)
    await travel(page, "forward")
    await shows(page, "/?phase=F1", made)
    await expect(phase).to_have_value("F1")
    await page.reload()
    await shows(page, "/?phase=F1", made)
    await expect(phase).to_have_value("F1")


async def test_a_hundred_rows_a_page_and_live_on_the_second_as_well(
    desk: Desk, viewer: User
) -> None:
    made = await threaded(make_accounts)(103)
    page = await desk.open(viewer)
    await expect(page.locator("#accounts tbody tr")).to_have_count(100)
    await page.get_by_role("link", name="Next").click()
    await shows(page, "/?page=2", made[100:])
    await threaded(publish_balance)(made[101], 12)
    await expect(cell(page, made[101], "balance")).to_have_text("12.00")
    await page.get_by_role("link", name="Previous").click()
    await expect(row(page, made[0])).to_be_visible()
    await expect(row(page, made[101])).to_have_count(0)


def publish_balance(number: int, balance: int) -> None:
    from accounts.live.publishing import publish_accounts

    Account.objects.filter(number=number).update(balance=balance)
    publish_accounts([number])


async def test_a_phase_in_the_totals_filters_and_the_search_keeps_the_focus(
    desk: Desk, viewer: User
) -> None:
    made = await threaded(make_accounts)(2)
    page = await desk.open(viewer)
    await page.locator("#totals").get_by_role("link", name="F1").click()
    await shows(page, "/?phase=F1", made)
    await expect(phase_filter(page)).to_have_value("F1")
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.type(str(made[1]))
    await shows(page, f"/?q={made[1]}&phase=F1", [made[1]])
    await expect(page.get_by_role("searchbox")).to_be_focused()


async def test_a_search_without_a_hit_says_so_and_leads_back(desk: Desk, viewer: User) -> None:
    made = await threaded(make_accounts)(1)
    page = await desk.open(viewer, "/?q=nobody")
    await expect(page.get_by_text("No account matches “nobody”.")).to_be_visible()
    await page.get_by_role("link", name="Clear search and filters").click()
    await shows(page, "/", made)
    await expect(page.get_by_role("searchbox")).to_have_value("")


async def test_a_suggested_pair_is_accepted_with_one_click(desk: Desk, editor: User) -> None:
    first, second = await threaded(make_accounts)(2)
    page = await desk.open(editor)
    await mark(page)
    await page.get_by_role("link", name="Suggested pairs").click()
    drawer = page.get_by_role("dialog", name="Suggested pairs")
    await expect(drawer.get_by_role("button", name="Close")).to_be_focused()
    await drawer.get_by_role("button", name=re.compile("^Pair")).click()
    await expect(toast(page)).to_contain_text("are now VS group VS1.")
    await expect(cell(page, first, "vs")).to_contain_text("VS1")
    await expect(cell(page, second, "vs")).to_contain_text("VS1")
    await expect(drawer).to_contain_text("No two accounts can be paired now.")
    await page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(page.get_by_role("link", name="Suggested pairs")).to_be_focused()
    assert await is_marked(page)


async def test_on_a_phone_filters_fold_out_and_sort(desk: Desk, viewer: User) -> None:
    made = await threaded(make_accounts)(2)
    page = await desk.open(viewer, viewport={"width": 390, "height": 844})
    await expect(page.get_by_label("Sort by")).to_be_hidden()
    toggle = page.get_by_role("button", name="Filters")
    await toggle.click()
    await expect(toggle).to_have_attribute("aria-expanded", "true")
    await page.get_by_label("Sort by").select_option("-number")
    await shows(page, "/?sort=-number", made[::-1])
