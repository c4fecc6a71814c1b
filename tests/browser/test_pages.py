"""Every page, light and dark: nothing on the console, nothing missing, everything has a name."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Literal
from urllib.parse import urljoin

import pytest
from channels.db import database_sync_to_async as threaded
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse
from django.utils import timezone
from playwright.async_api import Page, expect

from accounts import edits
from accounts.models import ApiToken, Conflict, Firm, SignIn
from accounts.models.sign_in import How
from tests.browser.desk import Desk, badge
from tests.factories import (
    make_account,
    make_agent,
    make_deal,
    make_firm,
    make_order,
    make_position,
    make_standing,
    make_trade,
    make_user,
    make_versus,
)
from trading.models import OrderEvent, TradeLimit
from trading.versus.changes import append

pytestmark = [pytest.mark.browser, pytest.mark.long, pytest.mark.asyncio(loop_scope="session")]

schemes = pytest.mark.parametrize("scheme", ["light", "dark"])

# Roles whose elements a person operates, as browsers tell them to a screen reader.
CONTROLS = {
    "button", "link", "textbox", "searchbox", "checkbox", "combobox", "listbox", "radio",
    "spinbutton", "switch", "tab", "menuitem", "DisclosureTriangle",
}  # fmt: skip
FILE = """<(?:link|script|img)[^>]*?(?:href|src)="([^"]+)\""""


@pytest.fixture
def paths(rows: None) -> list[str]:
    """Of the pages of the site, each with something of every kind on it."""
    near = make_account(
        firm=make_firm("North", max_drawdown_pct=10), equity=91_000, open_positions=1, note="Calm."
    )
    position = make_position(near)
    order = make_order(near, state="needs-attention", reason="Nobody knows.")
    OrderEvent.objects.create(order=order, at=timezone.now(), state="queued", text="Placed.")
    TradeLimit.objects.create(max_lots=5)
    versus = make_versus(make_user())
    append(versus, "Created.", state="pending")
    make_trade(near)
    make_trade(near, contract="1", closed_at=None, closed_told="2026-03-04T10:00:00", swap=None)
    make_deal(near, profit=near.balance)
    stale = make_account(agent=make_agent(status="timeout", status_reason="No answer within 10 s."))
    assert near.agent is not None
    kind, now = Conflict.Kind.TWO_AGENTS, timezone.now()
    Conflict.objects.create(agent=near.agent, number=stale.number, kind=kind, since=now)
    for account in (near, stale):
        edits.set_vs_group(account, "VS1")
    for _ in range(2):  # to be suggested
        make_account()
    Group.objects.create(name="Managers")
    ApiToken.issue(make_user(), "a script", timedelta(days=1))
    make_standing(make_user())
    SignIn.note(make_user(), How.PASSWORD, "192.0.2.1")
    twins = [make_account(number=4711, server=server) for server in ("Alpha-Live", "Beta-Live")]
    make_versus(make_user(), state="closed", ended_at=timezone.now(), archived_at=timezone.now())
    return [
        "/",
        "/?phase=R",
        "/?page=nonsense",
        f"/accounts/{near.number}/",
        f"/accounts/{near.number}/phase/",
        f"/accounts/{near.number}/vs/",
        f"/accounts/{near.number}/history/",
        f"/accounts/{near.number}/history/?range=all&result=lost",
        f"/accounts/{stale.number}/",
        f"/accounts/{stale.number}/history/",
        f"/accounts/{near.number}/open/",
        f"/accounts/{near.number}/close/",
        f"/accounts/{near.number}/positions/{position.ticket}/close/",
        f"/accounts/{near.number}/positions/{position.ticket}/close/?part=1",
        f"/accounts/{near.number}/positions/{position.ticket}/modify/",
        "/orders/",
        f"/orders/{order.pk}/",
        "/positions/",
        "/trading/switch/",
        "/versus/",
        f"/versus/{versus.code}/",
        "/versus/new/",
        "/versus/?archived=1",
        "/accounts/4711/",
        f"/accounts/{twins[0].key}/",
        "/agents/",
        "/suggestions/",
        "/security/",
        "/security/app/",
        "/security/password/",
        "/tokens/",
    ]


@pytest.fixture
def admin_paths(paths: list[str], boss: User) -> list[str]:
    return ["/admin/", *_admin_paths(), reverse("admin:accounts_agent_import_agents")]


def _admin_paths() -> Iterator[str]:
    """Of each model the list and one's own page; of one model also the pages that look the same
    for all."""
    for model in filter(admin.site.is_registered, apps.get_models()):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        yield reverse(f"{name}_changelist")
        one: Model | None = model._default_manager.first()
        assert one is not None, f"the fixture has no {model.__name__}"
        yield reverse(f"{name}_change", args=[one.pk])
        if model is Firm:
            yield reverse(f"{name}_add")
            yield from (reverse(f"{name}_{page}", args=[one.pk]) for page in ("history", "delete"))


async def is_dark(page: Page) -> bool:
    return bool(
        await page.evaluate(
            """() => {
                const text = getComputedStyle(document.querySelector("h1, h2, label")).color;
                const canvas = document.createElement("canvas").getContext("2d");
                canvas.fillStyle = text;
                canvas.fillRect(0, 0, 1, 1);
                const [red, green, blue] = canvas.getImageData(0, 0, 1, 1).data;
                return red + green + blue > 384;
            }"""
        )
    )


async def load(desk: Desk, page: Page, path: str) -> set[str]:
    """With nothing on the console; the files that it names, the icon of the site among them."""
    answer = await page.goto(path)
    assert answer is not None
    assert answer.status == 200, path
    if await badge(page).count():
        await expect(badge(page)).to_have_text("Live")
    assert desk.problems == [], path
    html = await answer.text()
    assert re.search('<link[^>]*rel="icon"', html), f"{path} names no icon"
    named = (file for file in re.findall(FILE, html) if not file.startswith("data:"))
    return {urljoin(page.url, file) for file in named}


async def are_there(desk: Desk, page: Page, files: set[str]) -> None:
    """And those that their stylesheets name."""
    seen: set[str] = set()
    while files - seen:
        file = (files - seen).pop()
        seen.add(file)
        assert file.startswith(desk.served.origin), file
        answer = await page.request.get(file)
        assert answer.ok, f"{file}: {answer.status}"
        if file.endswith(".css"):
            found = re.findall(r"""url\(["']?([^"')]+)["']?\)""", await answer.text())
            files |= {urljoin(file, one) for one in found if not one.startswith("data:")}


async def nameless(page: Page) -> list[str]:
    """Controls that a screen reader could not name."""
    session = await page.context.new_cdp_session(page)
    tree = await session.send("Accessibility.getFullAXTree")
    return [
        node["role"]["value"]
        for node in tree["nodes"]
        if not node["ignored"]
        and node["role"]["value"] in CONTROLS
        and not node.get("name", {}).get("value", "").strip()
    ]


async def is_named(page: Page, path: str) -> None:
    """Every control has a name, every table a caption, every heading of one its scope."""
    assert await nameless(page) == [], path
    assert await page.locator("th:not([scope])").count() == 0, path
    assert await page.locator("h1").count() == 1, path
    assert await page.locator("table:not(:has(> caption))").count() == 0, path


async def test_every_page_is_complete_labels_everything_and_follows_the_dark_scheme(
    desk: Desk, boss: User, paths: list[str]
) -> None:
    signed_out, page = await desk.open(None, "/login/"), await desk.open(boss)
    files = {f"{desk.served.origin}/favicon.ico"}
    for path in ("/login/", *paths):
        here = signed_out if path == "/login/" else page
        await here.emulate_media(color_scheme="light")
        files |= await load(desk, here, path)
        assert not await is_dark(here), path
        await is_named(here, path)
        await here.emulate_media(color_scheme="dark")
        assert await is_dark(here), path
        assert desk.problems == [], path
    await are_there(desk, page, files)


async def test_every_page_of_the_admin_is_complete_and_follows_the_system(
    desk: Desk, boss: User, admin_paths: list[str]
) -> None:
    signed_out, page = await desk.open(None, "/admin/login/"), await desk.open(boss, "/admin/")
    files = await load(desk, signed_out, "/admin/login/")
    # By turns, which shows a page of each kind in both schemes of colour.
    for turn, path in enumerate(admin_paths):
        scheme: Literal["dark", "light"] = "dark" if turn % 2 else "light"
        await page.emulate_media(color_scheme=scheme)
        files |= await load(desk, page, path)
        assert await is_dark(page) == (scheme == "dark"), path
    await are_there(desk, page, files)


async def test_a_page_that_is_not_there_and_one_that_is_not_allowed_say_so(
    desk: Desk, rows: None
) -> None:
    stranger = await threaded(make_user)()
    desk.excuse("/nowhere/", "status of 404", "status of 403", "403: GET")
    page = await desk.open(stranger, "/nowhere/")
    await expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    await page.goto("/")
    await expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()
    await page.get_by_label(re.compile("^User")).click()
    await expect(page.get_by_role("button", name="Sign out")).to_be_visible()


async def test_what_opens_on_the_fleet_has_names_too(
    desk: Desk, boss: User, paths: list[str]
) -> None:
    page = await desk.open(boss)
    await page.locator('[data-edit="vs"]').first.click()
    await expect(page.locator("#editor")).to_be_visible()
    assert await nameless(page) == []
    await page.keyboard.press("Escape")
    await page.locator('input[name="accounts"]').first.check()
    await page.get_by_role("link", name="Suggested pairs").click()
    await expect(page.locator("#drawer")).to_be_visible()
    assert await nameless(page) == []
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


@schemes
async def test_every_stop_of_the_tab_key_can_be_seen(
    desk: Desk, boss: User, paths: list[str], scheme: str
) -> None:
    page = await desk.open(boss, color_scheme=scheme)
    stops = await page.locator("a[href], button, input, select, summary").count()
    for _ in range(min(stops, 45)):
        await page.keyboard.press("Tab")
        seen = await page.evaluate(
            """() => {
                const at = document.activeElement;
                const style = getComputedStyle(at);
                const box = at.getBoundingClientRect();
                const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
                const inside = box.width > 0 && box.bottom > 0 && box.top < innerHeight;
                return at === document.body || (ring && inside) ? "" : at.outerHTML;
            }"""
        )
        assert seen == ""
