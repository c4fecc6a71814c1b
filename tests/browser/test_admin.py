"""The admin under its Content-Security-Policy: the theme works, and what is foreign does not."""

import re

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Page, Route, expect

from tests.browser.desk import Desk
from tests.factories import make_account, make_agent, make_user

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture
def chief(rows: None) -> User:
    return make_user(is_staff=True, is_superuser=True)


async def theme(page: Page) -> str:
    return str(await page.evaluate("document.documentElement.className"))


async def test_the_look_can_be_switched_and_stays(desk: Desk, chief: User) -> None:
    page = await desk.open(chief, "/admin/")
    await page.locator("[x-on\\:click*=openUserLinks]").first.click()
    await page.locator("[x-on\\:click*=\"'dark'\"]").first.click()
    assert "dark" in await theme(page)
    await page.reload()
    assert "dark" in await theme(page)


async def test_the_menu_of_the_user_opens_and_closes(desk: Desk, chief: User) -> None:
    page = await desk.open(chief, "/admin/")
    entry = page.get_by_role("link", name="Security")
    await expect(entry).to_be_hidden()
    await page.locator("[x-on\\:click*=openUserLinks]").first.click()
    await expect(entry).to_be_visible()
    await page.keyboard.press("Escape")


async def test_a_list_is_filtered_and_acts_on_what_is_ticked(desk: Desk, chief: User) -> None:
    agents = [await threaded(make_agent)(name=name, enabled=False) for name in ("one", "two")]
    page = await desk.open(chief, "/admin/accounts/agent/")
    await page.locator("[x-on\\:click*='filterOpen = true']").first.click()
    choice = page.locator("#changelist-filter")
    await expect(choice).to_be_visible()
    await page.goto("/admin/accounts/agent/?enabled__exact=0")
    await page.locator(f'input.action-select[value="{agents[0].pk}"]').check()
    actions = page.locator("select[name=action]")
    await expect(actions).to_be_visible()
    await actions.select_option("enable")
    await page.get_by_role("button", name=re.compile("Run|Go")).click()
    await expect(page.locator("body")).to_contain_text("nabled")
    await threaded(agents[0].refresh_from_db)()
    assert agents[0].enabled


async def test_a_date_is_picked_from_the_calendar(desk: Desk, chief: User) -> None:
    page = await desk.open(chief, "/admin/accounts/firm/add/")
    field = page.locator("#id_rule_date")
    await page.locator("#calendarlink0").click()
    await page.locator("#calendarbox0 td a").first.click()
    await expect(field).to_have_value(re.compile(r"\d"))


async def test_an_account_is_chosen_by_searching(desk: Desk, chief: User) -> None:
    account = await threaded(make_account)()
    page = await desk.open(chief, "/admin/")
    await page.goto("/admin/accounts/account/")
    await page.locator("#searchbar").fill(str(account.number))
    await page.keyboard.press("Enter")
    await expect(page.locator("#result_list")).to_contain_text(str(account.number))


async def test_markup_that_came_in_runs_nothing(desk: Desk, chief: User) -> None:
    """As if a name had not been escaped."""
    desk.excuse("Content Security Policy", "404")
    page = await desk.open(chief, "/admin/")
    await page.evaluate(
        """() => {
            document.body.insertAdjacentHTML("beforeend",
                `<img src="/nothing.png" onerror="window.ran = 1"><style>h1 { color: red }</style>
                 <a id="evil" href="javascript:window.ran = 2">Agents</a>`);
            const script = document.createElement("script");
            script.textContent = "window.ran = 3";
            document.body.append(script);
        }"""
    )
    await page.locator("#evil").dispatch_event("click")
    await page.wait_for_load_state("networkidle")
    assert await page.evaluate("window.ran") is None
    color = "getComputedStyle(document.querySelector('h1')).color"
    assert await page.evaluate(color) != "rgb(255, 0, 0)"


async def test_the_theme_needs_eval(desk: Desk, chief: User) -> None:
    """Once this fails, ADMIN_POLICY in mt5monitor/csp.py can do without."""
    desk.excuse("unsafe-eval", "EvalError", "Alpine Expression Error")
    page = await desk.open(chief, "/login/")

    async def without(route: Route) -> None:
        answer = await route.fetch()
        header = answer.headers["content-security-policy"].replace(" 'unsafe-eval'", "")
        await route.fulfill(
            response=answer, headers={**answer.headers, "content-security-policy": header}
        )

    await page.route("**/admin/", without)
    await page.goto("/admin/")
    assert any("unsafe-eval" in problem for problem in desk.problems)
