"""When a click on a ticket does not reach the server, or is refused: said where one looks."""

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import Permission
from django.contrib.sessions.models import Session
from playwright.async_api import Route, expect

from tests.browser.desk import Desk
from tests.browser.tickets import fill_ticket, home, review, window
from tests.factories import make_order
from tests.trading.desk import Desk as Trading
from trading.journal import change
from trading.models import Order
from trading.states import State

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
BUY = "Buy 0.1 EURUSD"


async def test_a_refused_click_is_said_in_the_window_and_the_button_works_again(
    desk: Desk, trading: Trading
) -> None:
    desk.excuse("403")
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await review(page)
    # Who may not look either is led away from the page, with the next beat.
    trade = await threaded(Permission.objects.get)(codename="trade")
    await threaded(trading.trader.user_permissions.remove)(trade)
    await page.get_by_role("button", name=BUY).click()
    await expect(window(page).get_by_role("alert")).to_contain_text("You may not do this.")
    assert trading.sent() == []
    await threaded(trading.trader.user_permissions.add)(trade)
    await page.get_by_role("button", name=BUY).click()
    await expect(window(page)).to_contain_text("Done at")
    assert len(trading.sent()) == 1


async def test_an_answer_that_is_lost_on_its_way_is_asked_for_by_the_same_button(
    desk: Desk, trading: Trading
) -> None:
    desk.excuse("ERR_FAILED", "htmx:")
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await review(page)

    async def lose(route: Route) -> None:
        if route.request.method != "POST":
            await route.continue_()
            return
        await route.fetch()
        await route.abort()

    await page.route("**/open/", lose)
    await page.get_by_role("button", name=BUY).click()
    alert = window(page).get_by_role("alert")
    await expect(alert).to_contain_text("whether this was sent is not known")
    assert len(trading.sent()) == 1
    await page.unroute("**/open/")
    await page.get_by_role("button", name=BUY).click()
    await expect(window(page)).to_contain_text("Done at")
    assert len(trading.sent()) == 1


async def test_a_session_that_ends_before_the_click_sends_nothing_and_says_so(
    desk: Desk, trading: Trading
) -> None:
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await review(page)
    await threaded(Session.objects.all().delete)()
    await page.get_by_role("button", name=BUY).click()
    await expect(page.get_by_role("status").first).to_contain_text("nothing was sent since")
    assert not await threaded(Order.objects.exists)()


async def test_what_was_wrong_with_a_field_goes_when_it_is_typed_anew(
    desk: Desk, trading: Trading
) -> None:
    desk.excuse("422")
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await page.get_by_label("Volume, lots").fill("1.000,5")
    await window(page).get_by_role("button", name="Review").click()
    await expect(page.locator("#error-volume")).to_be_visible()
    await expect(page.locator("#quote .error")).to_be_hidden()
    await page.get_by_label("Volume, lots").fill("0.1")
    await expect(page.locator("#error-volume")).to_have_count(0)


@pytest.mark.parametrize("path", ["/positions/", "/orders/"])
async def test_on_a_phone_every_figure_is_seen_without_scrolling_sideways(
    desk: Desk, trading: Trading, path: str
) -> None:
    await threaded(trading.send)()
    page = await desk.open(trading.trader, path)
    await page.set_viewport_size({"width": 390, "height": 844})
    wide = "(boxes) => boxes.filter((box) => box.scrollWidth > box.clientWidth).length"
    assert await page.locator("main, main .scroll").evaluate_all(wide) == 0
    assert await page.locator("main .scroll").count() > 0


async def test_an_agent_that_is_slow_to_quote_is_waited_for_in_sight_or_left_alone(
    desk: Desk, trading: Trading
) -> None:
    page = await desk.open(trading.trader, home(trading))
    link = page.locator("a[id^=close-]").first
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    await page.route("**/close/", hold)
    await link.click()
    await expect(window(page)).to_contain_text("Asking the agent for its quote")
    await held.pop().continue_()
    await expect(window(page)).to_contain_text("Is this what you want?")
    await page.keyboard.press("Escape")
    await expect(window(page)).to_be_hidden()
    await link.click()
    await expect(window(page)).to_contain_text("Asking the agent for its quote")
    await page.keyboard.press("Escape")
    async with page.expect_response("**/close/"):
        await held.pop().continue_()
    await page.get_by_role("link", name="New position").click()
    await expect(window(page)).to_contain_text("New position")


async def test_an_outcome_on_a_page_of_its_own_stays_a_page(desk: Desk, trading: Trading) -> None:
    order = await threaded(make_order)(trading.accounts["2"], state="sending")
    page = await desk.open(trading.trader, f"/orders/{order.pk}/outcome/")
    outcome = page.locator("main #outcome.card")
    await expect(outcome).to_contain_text("Sending")
    await threaded(change)(order, State.FILLED, "Done at 1.1.")
    await expect(outcome).to_contain_text("Done at 1.1.")
    await expect(outcome.get_by_role("link", name="To the account")).to_be_visible()
    await expect(page.locator("main main")).to_have_count(0)
