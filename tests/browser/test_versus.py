"""A versus from its form to its end by clicks, at real agents; their venue is the judge."""

import asyncio
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Page, expect
from pytest_django import Settings

from accounts.live.publishing import publish_accounts
from accounts.models import Account
from tests.browser.desk import Desk, is_marked, is_wider_than_its_window, mark, visit
from tests.factories import make_user
from tests.venue import Venue
from tests.versus.pair import Pair
from trading.models import TradingSwitch, Versus

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

LOOK = ("accounts.view_account", "accounts.view_agent", "trading.view_versus")
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def runner(rows: None) -> User:
    return make_user(*LOOK, "trading.run_versus", "trading.acknowledge_firm_rules")


@pytest.fixture
def pair(runner: User, tmp_path: Path, settings: Settings) -> Iterator[Pair]:
    settings.TRADING_ENABLED = settings.VERSUS_ENABLED = True
    switch = {"is_on": True, "instance": settings.INSTANCE_ID}
    TradingSwitch.objects.update_or_create(pk=TradingSwitch.PK, defaults=switch)
    with Venue(tmp_path, 6) as venue:
        pair = Pair(venue, runner)
        Account.objects.filter(pk=pair.accounts["a"].pk).update(holder="Ana Ruiz")
        Account.objects.filter(pk=pair.accounts["b"].pk).update(holder="Bea Paz")
        yield pair


async def fill(page: Page, **changes: str) -> None:
    typed = {"account_a": "ruiz", "symbol_a": "EURUSD", "account_b": "paz", "symbol_b": "EURUSD"}
    typed |= {"lots": "0,10", "sl_a": "100", "tp_a": "150", "sl_b": "120", "tp_b": "140"}
    for name, text in (typed | {"zone": "Europe/Madrid"} | changes).items():
        await page.locator(f"#{name}").fill(text)
    await page.get_by_label("A keeps the sell").check()


async def confirm(page: Page, link: str, button: str) -> None:
    await page.get_by_role("link", name=link).click()
    await page.get_by_role("button", name=button).click()


async def test_a_versus_is_made_frozen_transferred_and_closed_and_all_see_it_live(
    desk: Desk, pair: Pair
) -> None:
    other = await desk.open(await threaded(make_user)(*LOOK), "/versus/")
    await mark(other)
    page = await desk.open(pair.user, "/versus/")
    await page.get_by_role("link", name="New versus").click()
    await fill(page)
    await page.get_by_role("button", name="Create").click()
    state = page.locator(".v-state")
    await expect(state).to_have_text("waiting to freeze")
    versus = await threaded(Versus.objects.get)()
    seen = other.locator(f"#versus-{versus.code} .v-state")
    await expect(seen).to_have_text("waiting to freeze")
    await confirm(page, "Freeze", f"Freeze {versus.code}")
    await expect(state).to_have_text("frozen")
    await expect(seen).to_have_text("frozen")
    await threaded(pair.read)()  # figures that grew old meanwhile would hold it up
    await confirm(page, "Transfer", f"Transfer {versus.code}")
    await expect(state).to_have_text("transferred")
    await expect(seen).to_have_text("transferred")
    await threaded(pair.read)()
    await expect(other.locator(".v-legs")).to_contain_text("USD")
    assert await threaded(pair.held)("a", versus) != []
    await confirm(page, "Close both", f"Close every leg of {versus.code}")
    await expect(state).to_have_text("closed by hand")
    await expect(other.locator(".v-ended")).to_contain_text(versus.code)
    assert await threaded(pair.held)("a", versus) == []
    assert await threaded(pair.held)("b", versus) == []
    assert await is_marked(other)
    await expect(other.get_by_role("link", name="New versus")).to_have_count(0)


READS = """() => performance.getEntriesByType("resource")
    .filter((one) => one.initiatorType === "fetch" && new URL(one.name).pathname === "/versus/")
    .map((one) => one.startTime)"""


async def test_the_page_is_read_once_in_two_seconds_however_often_accounts_change(
    desk: Desk, pair: Pair
) -> None:
    await threaded(pair.created)()
    page = await desk.open(pair.user, "/versus/")
    own = [account.number for account in pair.accounts.values()]
    reads: list[float] = []
    async with asyncio.timeout(30):
        while len(reads) < 3:
            await threaded(publish_accounts)(own)
            await asyncio.sleep(0.05)
            reads = await page.evaluate(READS)
    assert all(later - earlier > 1990 for earlier, later in pairwise(reads))


async def test_its_pages_fit_a_phone_and_a_refused_form_is_kept(desk: Desk, pair: Pair) -> None:
    desk.excuse("422")
    versus = await threaded(pair.frozen)()
    page = await desk.open(pair.user, "/versus/new/", viewport=PHONE)
    await fill(page, lots="0.105.5", transfer_at="2030-07-01T14:30")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("#error-lots")).to_contain_text("in more than one way")
    await expect(page.locator("#sl_a")).to_have_value("100")
    await expect(page.locator("#transfer_at")).to_have_value("2030-07-01T14:30")
    assert not await is_wider_than_its_window(page)
    own = f"/versus/{versus.code}/"
    for path in ("/versus/", own, f"{own}transfer/", f"{own}close/", f"{own}schedule/"):
        await visit(page, path)
        assert not await is_wider_than_its_window(page), path
