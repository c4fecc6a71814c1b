"""Tickets as a person fills them in, and the accounts that they trade on."""

from playwright.async_api import Locator, Page, expect

from accounts.polling import poller
from tests.trading.desk import Desk as Trading


def read(trading: Trading) -> None:
    outcomes = list(poller.refresh([trading.agent("2")]))
    assert all(outcome.ok for outcome in outcomes), outcomes


def home(trading: Trading) -> str:
    return f"/accounts/{trading.accounts['2'].number}/"


def window(page: Page) -> Locator:
    return page.locator("#trade")


async def fill_ticket(page: Page, **stops: str) -> None:
    await page.get_by_role("link", name="New position").click()
    await page.get_by_label("Symbol").fill("EURUSD")
    await page.get_by_label("Volume, lots").fill("0,10")
    await page.get_by_label("Buy", exact=True).check()
    for name, text in stops.items():
        await page.locator(f"#{name}").fill(text)
        await page.locator(f"[name={name}_unit]").select_option("pips")


async def review(page: Page) -> None:
    await window(page).get_by_role("button", name="Review").click()
    await expect(window(page)).to_contain_text("Is this what you want?")
