"""Phase and VS group, edited in place by one and seen by another."""

import re

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from playwright.async_api import Page, expect

from accounts import edits
from accounts.models import Account
from tests.browser.desk import Desk, cell, is_marked, mark, row, toast
from tests.factories import make_account, make_phase

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

# With the page's own token, as somebody would who writes the request by hand.
POST = """async ([path, fields]) => {
    const headers = JSON.parse(document.body.getAttribute("hx-headers"));
    const body = new URLSearchParams(fields);
    const answer = await fetch(path, { method: "POST", headers, body });
    return [answer.status, await answer.text()];
}"""


def phase_of(account: Account) -> str:
    return str(Account.objects.select_related("phase").get(pk=account.pk).phase)


async def two_pages(desk: Desk, editor: User, viewer: User) -> tuple[Page, Page]:
    """Of two people, each in a browser of their own."""
    mine, theirs = await desk.open(editor), await desk.open(viewer)
    await mark(mine)
    await mark(theirs)
    return mine, theirs


async def test_a_phase_changed_with_the_mouse_is_seen_by_somebody_else_at_once(
    desk: Desk, editor: User, viewer: User
) -> None:
    account = await threaded(make_account)()
    mine, theirs = await two_pages(desk, editor, viewer)
    await cell(mine, account.number, "phase").get_by_role("button").click()
    await (
        mine.get_by_role("dialog", name="Edit").get_by_role("button", name="R", exact=True).click()
    )
    for page in (mine, theirs):
        await expect(cell(page, account.number, "phase")).to_have_text("R")
        assert await is_marked(page)
    await expect(toast(mine)).to_have_text(f"Account {account.number} is now in phase R.")
    await expect(mine.locator("#editor")).to_be_hidden()
    assert await threaded(phase_of)(account) == "R"


async def test_a_phase_is_changed_by_keyboard_alone_and_the_focus_stays_in_the_row(
    desk: Desk, editor: User, viewer: User
) -> None:
    await threaded(make_account)()
    account = await threaded(make_account)()
    mine, theirs = await two_pages(desk, editor, viewer)
    for key in ("j", "j", "e"):
        await mine.keyboard.press(key)
    choices = mine.locator("#editor .choices button")
    await expect(choices.nth(0)).to_be_focused()  # the phase that it has
    await mine.keyboard.press("ArrowRight")
    await expect(choices.nth(1)).to_be_focused()
    await mine.keyboard.press("Enter")
    await expect(cell(theirs, account.number, "phase")).to_have_text("F2")
    await expect(cell(mine, account.number, "phase")).to_have_text("F2")
    await expect(cell(mine, account.number, "phase").get_by_role("button")).to_be_focused()
    assert await is_marked(mine)


async def test_escape_leaves_everything_as_it_was(desk: Desk, editor: User) -> None:
    account = await threaded(make_account)()
    page = await desk.open(editor)
    await cell(page, account.number, "phase").get_by_role("button").click()
    await expect(page.locator("#editor")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator("#editor")).to_be_hidden()
    await expect(cell(page, account.number, "phase").get_by_role("button")).to_be_focused()
    assert await threaded(phase_of)(account) == "F1"


async def test_a_vs_group_made_of_two_accounts_is_seen_by_somebody_else(
    desk: Desk, editor: User, viewer: User
) -> None:
    first, second = [await threaded(make_account)() for _ in range(2)]
    mine, theirs = await two_pages(desk, editor, viewer)
    for account in (first, second):
        await cell(mine, account.number, "vs").get_by_role("button").click()
        field = mine.get_by_label(f"VS group of {account.number}")
        await expect(field).to_be_focused()
        await mine.keyboard.type("Alba")
        await mine.keyboard.press("Enter")
        await expect(mine.locator("#editor")).to_be_hidden()
    for page in (mine, theirs):
        await expect(cell(page, first.number, "vs")).to_have_text("AlbaA")
        await expect(cell(page, second.number, "vs")).to_have_text("AlbaB")
        assert await is_marked(page)


async def test_a_selection_gets_its_phase_in_one_go(desk: Desk, editor: User, viewer: User) -> None:
    accounts = [await threaded(make_account)() for _ in range(3)]
    mine, theirs = await two_pages(desk, editor, viewer)
    for account in accounts[:2]:
        await mine.get_by_label(f"Select {account.number}").check()
    bulk = mine.get_by_role("form", name="Selected accounts")
    await expect(bulk).to_contain_text("2 selected")
    await bulk.get_by_label("Phase").select_option(label="R")
    await bulk.get_by_role("button", name="Set phase").click()
    await expect(toast(mine)).to_have_text("2 accounts changed: now in phase R.")
    for page in (mine, theirs):
        for account, phase in zip(accounts, ("R", "R", "F1"), strict=True):
            await expect(cell(page, account.number, "phase")).to_have_text(phase)
    # The selection outlives the rows that it was made in.
    await expect(mine.locator("#accounts tbody input:checked")).to_have_count(2)


async def test_two_selected_accounts_are_paired_and_shift_selects_a_range(
    desk: Desk, editor: User
) -> None:
    accounts = [await threaded(make_account)() for _ in range(4)]
    page = await desk.open(editor)
    bulk = page.get_by_role("form", name="Selected accounts")
    await page.get_by_label(f"Select {accounts[0].number}").click()
    await page.get_by_label(f"Select {accounts[2].number}").click(modifiers=["Shift"])
    await expect(bulk).to_contain_text("3 selected")
    await expect(bulk.get_by_role("button", name="Pair the two")).to_be_disabled()
    await page.get_by_label(f"Select {accounts[1].number}").click()
    await bulk.get_by_role("button", name="Pair the two").click()
    await expect(cell(page, accounts[0].number, "vs")).to_have_text("VS1A")
    await expect(cell(page, accounts[2].number, "vs")).to_have_text("VS1B")
    await bulk.get_by_role("button", name="Clear the selection").click()
    await expect(bulk).to_be_hidden()


async def test_who_may_not_edit_sees_no_editor_and_is_refused_by_hand(
    desk: Desk, viewer: User
) -> None:
    account = await threaded(make_account)()
    phase = await threaded(make_phase)("R")
    page = await desk.open(viewer)
    box = await cell(page, account.number, "phase").bounding_box()
    assert box is not None
    await page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    for key in ("j", "e", "v"):
        await page.keyboard.press(key)
    await page.get_by_label(f"Select {account.number}").check()
    await expect(page.locator("#bulk")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("Set|Pair"))).to_have_count(0)
    await expect(page.locator("#editor")).to_be_hidden()
    assert await page.locator("#editor").inner_html() == ""
    desk.excuse("403")
    for path in (f"/accounts/{account.number}/phase/", "/edit/"):
        fields = {"phase": phase.pk, "accounts": account.number, "action": "phase"}
        answer = await page.evaluate(POST, [path, {k: str(v) for k, v in fields.items()}])
        assert answer[0] == 403
        assert "Not allowed" in answer[1]
    assert await threaded(phase_of)(account) == "F1"


async def test_a_full_vs_group_is_refused_beside_the_field_and_nothing_changes(
    desk: Desk, editor: User
) -> None:
    members = [await threaded(make_account)() for _ in range(2)]
    for member in members:
        await threaded(edits.set_vs_group)(member, "Full")
    account = await threaded(make_account)()
    page = await desk.open(editor)
    desk.excuse("422")
    await cell(page, account.number, "vs").get_by_role("button").click()
    field = page.get_by_label(f"VS group of {account.number}")
    await field.fill("Full")
    await page.keyboard.press("Enter")
    numbers = f"{members[0].number}, {members[1].number}"
    await expect(page.get_by_role("alert")).to_have_text(
        f"VS group Full already has two members: {numbers}."
    )
    await expect(field).to_have_value("Full")
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(field).to_be_focused()
    await expect(cell(page, account.number, "vs")).to_have_text("–")
    assert (await threaded(Account.objects.get)(pk=account.pk)).vs_group_id is None


async def test_a_row_that_changes_meanwhile_disturbs_neither_editor_nor_focus(
    desk: Desk, editor: User
) -> None:
    account = await threaded(make_account)()
    page = await desk.open(editor)
    await cell(page, account.number, "vs").get_by_role("button").click()
    field = page.get_by_label(f"VS group of {account.number}")
    await field.fill("Half a na")
    await threaded(edits.set_phase)([account], await threaded(make_phase)("Q"))
    await expect(cell(page, account.number, "phase")).to_have_text("Q")
    await expect(field).to_be_focused()
    await expect(field).to_have_value("Half a na")


async def test_the_focus_is_kept_when_the_control_under_it_is_replaced(
    desk: Desk, editor: User
) -> None:
    account = await threaded(make_account)()
    page = await desk.open(editor)
    button = cell(page, account.number, "phase").get_by_role("button")
    await button.focus()
    before = await button.element_handle()
    await threaded(edits.set_phase)([account], await threaded(make_phase)("Q"))
    await expect(row(page, account.number)).to_contain_text("Q")
    await expect(button).to_be_focused()
    assert before is not None
    assert not await before.evaluate("(old) => old.isConnected"), "nothing was replaced"
