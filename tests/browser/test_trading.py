"""Trading by mouse, finger and keyboard, at real agents; the ledger of their venue is the judge."""

import re
from decimal import Decimal

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Locator, Page, expect

from accounts.live.publishing import publish_accounts
from accounts.models import Account
from tests.browser.desk import Desk
from tests.browser.tickets import fill_ticket, home, read, review, window
from tests.factories import make_user
from tests.trading.desk import Desk as Trading
from trading.models import Order
from trading.switching import turn

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def last_state(page: Page) -> Locator:
    return page.locator("#account-panel .orders .order-state").first


async def opened(trading: Trading) -> int:
    """A position with a stop-loss 50 pips away: its ticket."""

    def trade() -> int:
        order = trading.send()
        ticket = order.position_ticket or order.order_ticket
        assert ticket is not None
        assert order.price is not None
        level = order.price - Decimal("0.005")
        moved = trading.send(kind="modify", position=ticket, sl=level)
        assert moved.state == "filled", moved.reason
        read(trading)
        return ticket

    return await threaded(trade)()


async def test_a_position_is_opened_pending_first_and_then_done_in_every_browser(
    desk: Desk, viewer: User, trading: Trading
) -> None:
    page = await desk.open(trading.trader, home(trading))
    other = await desk.open(viewer, home(trading))
    await expect(other.get_by_role("link", name="New position")).to_be_hidden()
    await fill_ticket(page, sl="20", tp="30")
    await expect(page.locator("#quote")).to_contain_text("-20.0 pips, -20.00 USD")
    await review(page)
    assert trading.sent() == []
    trading.venue.steer("2", next_answer="slow")
    trading.venue.member("2").answer_seconds = 2
    await page.get_by_role("button", name="Buy 0.1 EURUSD").click()
    await expect(last_state(other)).to_have_text("sending")
    await expect(page.locator("#trade .sending")).to_be_visible()
    await expect(last_state(other)).to_have_text("done")
    await expect(window(page)).to_contain_text("Done at")
    assert len(trading.sent()) == 1
    await page.reload()
    await expect(last_state(page)).to_have_text("done")


@pytest.mark.parametrize("address", ["/", "/orders/"])
async def test_trading_that_is_stopped_elsewhere_shows_on_every_page_that_is_open(
    desk: Desk, trading: Trading, address: str
) -> None:
    page = await desk.open(trading.trader, address)
    shown = page.locator("#trading-state")
    await expect(shown).to_have_text("Trading on")
    ana = await threaded(make_user)("trading.stop_trading")
    await threaded(turn)(ana, on=False, reason="news")
    await expect(shown).to_have_text("Trading off", timeout=15_000)
    await expect(shown).to_have_attribute("title", f"All trading is switched off by {ana}: news")
    await threaded(turn)(ana, on=True, reason="over")
    await expect(shown).to_have_text("Trading on", timeout=15_000)


async def test_a_double_click_sends_once(desk: Desk, trading: Trading) -> None:
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await review(page)
    await page.get_by_role("button", name="Buy 0.1 EURUSD").dblclick()
    await expect(window(page)).to_contain_text("Done at")
    assert len(trading.sent()) == 1
    assert await threaded(Order.objects.count)() == 1


async def test_what_is_wrong_stands_beside_its_field_and_a_refusal_says_why(
    desk: Desk, trading: Trading
) -> None:
    desk.excuse("422")
    page = await desk.open(trading.trader, home(trading))
    await fill_ticket(page)
    await page.get_by_label("Volume, lots").fill("1,234.5")
    await window(page).get_by_role("button", name="Review").click()
    await expect(page.locator("#error-volume")).to_contain_text("in more than one way")
    await expect(page.get_by_label("Volume, lots")).to_be_focused()
    await page.get_by_label("Volume, lots").fill("0.10")
    await review(page)
    trading.venue.steer("2", next_order="no-money")
    await page.keyboard.press("Enter")
    await expect(window(page)).to_contain_text("There is not enough free margin.")
    await page.get_by_role("button", name="Close this window").last.click()
    await expect(page.locator("#account-panel")).to_contain_text("not enough free margin")
    await expect(page.get_by_role("link", name="New position")).to_be_focused()


async def test_an_unknown_outcome_is_loud_in_every_browser(
    desk: Desk, viewer: User, trading: Trading
) -> None:
    page = await desk.open(trading.trader, home(trading))
    other = await desk.open(viewer, home(trading))
    await fill_ticket(page)
    await review(page)
    trading.venue.steer("2", next_answer="cut")
    await page.get_by_role("button", name="Buy 0.1 EURUSD").click()
    await expect(window(page)).to_contain_text("do not place it again")
    loud = other.get_by_role("alert").filter(has_text="Outcome unknown: buy 0.1 EURUSD")
    await expect(loud).to_be_visible()


async def test_a_position_is_closed_by_keyboard_alone(desk: Desk, trading: Trading) -> None:
    ticket = await opened(trading)
    page = await desk.open(trading.trader, home(trading))
    await page.locator(f"#close-{ticket}").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Close 0.1 EURUSD")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(window(page)).to_contain_text("Done at")
    await threaded(read)(trading)
    await expect(page.locator(f"#position-{ticket}")).to_have_count(0)
    assert len(trading.sent()) == 3


async def ladder(page: Page, ticket: int) -> Locator:
    await page.locator(f"#move-{ticket}").click()
    line = page.get_by_role("slider", name="Stop-loss")
    await expect(line).to_be_visible()
    return line


async def test_a_click_is_not_lost_when_its_row_changes_between_press_and_release(
    desk: Desk, trading: Trading
) -> None:
    ticket = await opened(trading)
    page = await desk.open(trading.trader, home(trading))
    other = await desk.open(trading.trader, home(trading))
    await page.locator(f"#move-{ticket}").hover()
    await page.mouse.down()
    await threaded(rename)(trading, "Somebody else")
    await expect(other.locator("#account-panel")).to_contain_text("Somebody else")
    await expect(page.locator("#account-panel")).not_to_contain_text("Somebody else")
    await page.mouse.up()
    await expect(window(page)).to_contain_text("Stop-loss and take-profit")
    await expect(page.locator("#account-panel")).to_contain_text("Somebody else")


def rename(trading: Trading, holder: str) -> None:
    number = trading.accounts["2"].number
    Account.objects.filter(number=number).update(holder=holder)
    publish_accounts([number])


async def test_a_stop_is_moved_by_the_arrow_keys_a_tick_at_a_time(
    desk: Desk, trading: Trading
) -> None:
    ticket = await opened(trading)
    page = await desk.open(trading.trader, home(trading))
    line = await ladder(page, ticket)
    before = float(await line.get_attribute("aria-valuenow") or 0)
    await line.focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    after = f"{before - 0.00003:.5f}"
    await expect(line).to_have_attribute("aria-valuenow", after)
    await expect(line).to_have_attribute(
        "aria-valuetext", re.compile(rf"^{after}, -\d+\.\d\d USD$")
    )
    await page.keyboard.press("Enter")
    await expect(window(page)).to_contain_text(f"Stop-loss at {after.rstrip('0')}")
    await page.get_by_role("button", name="Set SL and TP").click()
    await expect(window(page)).to_contain_text("Done")
    await threaded(read)(trading)
    await expect(page.locator(f"#position-{ticket} .p-sl")).to_have_text(after.rstrip("0"))


async def test_a_stop_is_dragged_confirmed_and_put_back_when_it_is_refused(
    desk: Desk, trading: Trading
) -> None:
    desk.excuse("422")
    ticket = await opened(trading)
    page = await desk.open(trading.trader, home(trading))
    line = await ladder(page, ticket)
    before = await line.get_attribute("aria-valuenow")
    await drag(page, line, 30)
    await expect(window(page)).to_contain_text("Is this what you want?")
    await page.get_by_role("button", name="Set SL and TP").click()
    await expect(window(page)).to_contain_text("Done")
    await threaded(read)(trading)
    await page.get_by_role("button", name="Close this window").last.click()
    await expect(page.locator(f"#position-{ticket} .p-sl")).not_to_have_text(before or "")
    line = await ladder(page, ticket)
    before = await line.get_attribute("aria-valuenow")
    await drag(page, line, -400)
    await expect(page.locator("#error-sl")).to_contain_text("The stop-loss of a buy must be below")
    line = page.get_by_role("slider", name="Stop-loss")
    await expect(line).to_have_attribute("aria-valuenow", before or "")
    assert len(trading.sent()) == 3


async def drag(page: Page, line: Locator, by: int) -> None:
    box = await line.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    await page.mouse.move(x, y + by / 2)
    await page.mouse.move(x, y + by)
    await page.mouse.up()


async def test_all_of_the_ticked_accounts_are_closed(desk: Desk, trading: Trading) -> None:
    page = await desk.open(trading.trader, "/")
    number = trading.accounts["2"].number
    await page.locator(f'input[name="accounts"][value="{number}"]').check()
    await page.get_by_role("button", name="Close all…").click()
    await expect(page.get_by_role("heading", name="Is this what you want?")).to_be_visible()
    await page.get_by_role("button", name=re.compile(r"^Close \d+ position")).click()
    await expect(page.get_by_role("heading", name="What became of it")).to_be_visible()
    await expect(page.locator(".closings .good").first).to_contain_text("Done at")
    await threaded(read)(trading)
    assert not await threaded(trading.accounts["2"].positions.exists)()


async def test_trading_is_stopped_from_any_page(desk: Desk, boss: User, trading: Trading) -> None:
    page = await desk.open(boss, "/")
    await page.get_by_role("link", name="Trading on").click()
    await page.get_by_label("Reason (optional)").fill("news")
    await page.get_by_role("button", name="Stop all trading").click()
    await expect(page.get_by_role("link", name="Trading off")).to_be_visible()
    assert (await threaded(trading.send)()).state == "denied"
