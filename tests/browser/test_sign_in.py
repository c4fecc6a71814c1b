"""Signing in and out, as people do."""

import re
import time

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from playwright.async_api import Page, expect
from pytest_django import Settings

from accounts.signin import proofs, second_factor
from mt5monitor.sessions import SessionStore
from mt5monitor.settings.site import PASSWORD_HASHERS
from tests.browser.desk import Desk, badge, row, toast
from tests.factories import make_account
from trading.models import TradingSwitch

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

PASSWORD = "quiet-harbour-91"


@pytest.fixture
def person(viewer: User, settings: Settings) -> User:
    """With a password as the product keeps it."""
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    viewer.set_password(PASSWORD)
    viewer.save()
    return viewer


async def sign_in(page: Page, user: User, password: str) -> None:
    await page.get_by_label("User name").fill(user.username)
    await page.get_by_label("Password").fill(password)
    await page.keyboard.press("Enter")


async def test_a_password_leads_to_the_live_fleet(desk: Desk, person: User) -> None:
    account = await threaded(make_account)()
    page = await desk.open(None, "/?sort=-balance")
    await expect(page).to_have_url(re.compile(r"/login/\?next="))
    await sign_in(page, person, "not the password")
    await expect(page.get_by_role("alert")).to_contain_text("password is wrong")
    await sign_in(page, person, PASSWORD)
    await expect(page).to_have_url(f"{desk.served.origin}/?sort=-balance")
    await expect(badge(page)).to_have_text("Live")
    await expect(row(page, account.number)).to_be_visible()


async def test_who_signs_out_in_one_tab_is_signed_out_in_the_other(
    desk: Desk, viewer: User
) -> None:
    page = await desk.open(viewer)
    other = await page.context.new_page()
    await other.goto("/agents/")
    await other.get_by_label(f"User {viewer.username}").click()
    await other.get_by_role("button", name="Sign out").click()
    await expect(other).to_have_url(re.compile("/login/"))
    await expect(page).to_have_url(re.compile("/login/"))


async def test_an_edit_after_the_session_ended_leads_back_through_the_sign_in(
    desk: Desk, editor: User
) -> None:
    account = await threaded(make_account)()
    page = await desk.open(editor, "/?q=5")
    await page.context.clear_cookies()
    await row(page, account.number).locator('[data-edit="phase"]').click()
    await expect(page).to_have_url(re.compile(r"/login/\?next=%2F%3Fq%3D5"))
    await expect(page.get_by_role("status").first).to_contain_text("Your session has ended")
    await expect(toast(page)).to_have_count(0)


async def test_a_second_factor_from_setting_it_up_to_signing_in_with_it(
    desk: Desk, person: User
) -> None:
    page = await desk.open(None, "/security/")
    await sign_in(page, person, PASSWORD)
    await page.get_by_role("link", name="Set up an authenticator app").click()
    picture = page.get_by_role("img", name="QR code for the app")
    assert await picture.evaluate("image => image.complete && image.naturalWidth > 0")
    await page.get_by_text("No camera?").click()
    secret = (await page.locator(".key").inner_text()).replace(" ", "")
    await page.get_by_label("Your password").fill(PASSWORD)
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    await page.get_by_label("Code from the app").fill(code)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", name="Your second factor is set up")).to_be_visible()
    codes = await page.locator(".recovery code").all_inner_texts()
    async with page.expect_download() as download:
        await page.get_by_role("link", name="Download").click()
    kept = (await (await download.value).path()).read_text()
    assert kept.split("\n")[1:-1] == codes
    await page.get_by_role("link", name="I have saved them").click()
    await page.get_by_label(f"User {person.username}").click()
    await page.get_by_role("link", name="Security").click()
    await expect(page.get_by_text("10 recovery codes left")).to_be_visible()
    await page.get_by_role("button", name="Sign out everywhere").click()
    await sign_in(page, person, PASSWORD)
    await page.get_by_label("Code").fill("12 34 56")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("wrong")
    await page.get_by_label("Code").fill(codes[0])
    await page.keyboard.press("Enter")
    await expect(badge(page)).to_have_text("Live")


def recovery_codes(user: User) -> list[str]:
    """Of an app that this user sets up now."""
    kept = second_factor.new_secret()
    secret, _ = second_factor.shown(user, kept)
    code = format_hotp_value(hotp_value(secret, int(time.time()) // 30))
    return second_factor.set_up(user, kept, str(code))


async def unlockable(page: Page) -> None:
    """Gives this page a device that makes passkeys, and unlocks itself."""
    devices = await page.context.new_cdp_session(page)
    await devices.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True}
    device |= {"isUserVerified": True, "automaticPresenceSimulation": True}
    await devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})


async def add_passkey(page: Page, site: str, code: str) -> None:
    await page.goto(f"{site}/security/passkey/")
    await page.get_by_label("Name", exact=True).fill("Laptop")
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_label("Code from the app").fill(code)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Remove Laptop")).to_be_visible()


async def test_a_passkey_is_made_signs_in_and_is_removed(desk: Desk, person: User) -> None:
    codes = await threaded(recovery_codes)(person)
    site = desk.served.origin.replace("127.0.0.1", "localhost")  # an address can have none
    page = await desk.open(None, f"{site}/login/")
    await unlockable(page)
    await sign_in(page, person, PASSWORD)
    await expect(page.get_by_role("button", name="passkey")).to_have_count(0)
    await page.get_by_label("Code").fill(codes[0])
    await page.keyboard.press("Enter")
    await expect(page).to_have_url(f"{site}/")
    await add_passkey(page, site, codes[1])
    await page.get_by_role("button", name="Sign out everywhere").click()
    await sign_in(page, person, PASSWORD)
    await page.get_by_role("button", name="Use a passkey instead").click()
    await expect(page).to_have_url(f"{site}/")
    await page.goto(f"{site}/security/")
    await page.get_by_role("link", name="Remove Laptop").click()
    await page.get_by_label("Your password").fill(PASSWORD)
    await page.get_by_label("Code from the app").fill(codes[2])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Remove Laptop")).to_have_count(0)
    await expect(toast(page)).to_contain_text("is removed")


def age_proofs() -> None:
    """Whoever is signed in did so long ago."""
    for key in Session.objects.values_list("pk", flat=True):
        session = SessionStore(key)
        kind, _, *rest = session[proofs.KEPT]
        session[proofs.KEPT] = [kind, "2026-01-01T00:00:00+00:00", *rest]
        session.save()


async def test_a_passkey_proves_again_who_it_is_and_other_tabs_go_on(
    desk: Desk, person: User
) -> None:
    stop = Permission.objects.filter(codename="stop_trading")
    await threaded(lambda: person.user_permissions.add(*stop))()
    codes = await threaded(recovery_codes)(person)
    site = desk.served.origin.replace("127.0.0.1", "localhost")
    page = await desk.open(None, f"{site}/login/")
    await unlockable(page)
    await sign_in(page, person, PASSWORD)
    await page.get_by_label("Code").fill(codes[0])
    await page.keyboard.press("Enter")
    await expect(badge(page)).to_have_text("Live")
    await add_passkey(page, site, codes[1])
    other = await page.context.new_page()
    await other.goto(f"{site}/")
    await expect(badge(other)).to_have_text("Live")
    await other.evaluate("window.typed = 1")
    await threaded(age_proofs)()
    await page.goto(f"{site}/trading/switch/")
    await page.get_by_label("Reason").fill("The news is out")
    await page.get_by_role("button", name="Switch trading on").click()
    await expect(page.get_by_role("heading", name="Confirm that it is you")).to_be_visible()
    await page.get_by_label("Your password").fill(PASSWORD)
    async with other.expect_event("websocket"):  # the session has a new key
        await page.get_by_role("button", name="Use a passkey instead").click()
        await expect(page).to_have_url(f"{site}/trading/switch/")
    await expect(badge(other)).to_have_text("Live")
    assert await other.evaluate("window.typed") == 1
    switch = await threaded(TradingSwitch.objects.get)()
    assert (switch.is_on, switch.reason) == (True, "The news is out")
