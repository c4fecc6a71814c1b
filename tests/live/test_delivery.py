"""From a change of a row to the browsers that show it, through the real layer and application."""

import asyncio
import threading
from collections.abc import Iterable
from contextlib import AsyncExitStack
from decimal import Decimal

import msgspec
import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.fleet import fragments
from accounts.live import pages, reader, stream
from accounts.live.access import Viewer
from accounts.live.current import current, mark
from accounts.live.frames import Refused
from accounts.live.hub import Hub
from accounts.live.message import signed
from accounts.live.publisher import publisher
from accounts.live.publishing import publish_accounts, publish_agents
from accounts.models import Account, Agent
from tests.factories import make_account, make_user
from tests.live.page import PATIENCE_S, Page, session_of
from tests.live.sent import lose_one, send, send_fields, send_raw
from tests.valkey import PrivateValkey

new_account = threaded(make_account)


def write(account: Account, balance: int, publish: bool = True) -> None:
    with transaction.atomic():
        now = timezone.now()
        Account.objects.filter(pk=account.pk).update(balance=Decimal(balance), changed_at=now)
        if publish:
            publish_accounts([account.number])


change = threaded(write)


async def kinds_of_beats(page: Page, beats: int) -> set[str]:
    """The kinds of the frames that come up to the last of so many beats."""
    return {frame["type"] for _ in range(beats) for frame in await page.until("beat")}


async def arrived(hub: Hub, seq: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while hub.backlog.last < seq:
            await asyncio.sleep(0.001)


async def test_a_changed_row_reaches_the_browsers_that_show_it_and_no_other(
    hub: Hub, session: str
) -> None:
    shown, other = await new_account(), await new_account()
    async with Page(session) as page, Page(session) as bystander:
        await page.settled(shown.number)
        await bystander.settled(other.number)
        await change(shown, 123_456)
        rows = await page.get("rows")
        assert rows["rows"].keys() == {str(shown.number)}
        assert "123,456" in rows["rows"][str(shown.number)]
        await change(other, 654_321)
        assert (await bystander.get("rows"))["rows"].keys() == {str(other.number)}


async def test_changes_in_quick_succession_come_in_one_frame_the_last_one_winning(
    hub: Hub, session: str, settings: Settings
) -> None:
    settings.LIVE_BATCH_MS = 300
    async with Page(session) as page:
        await page.settled(1, 2)
        await send(rows={1: "first"})
        assert (await page.get("rows"))["rows"] == {"1": "first"}
        for seq in range(2, 6):
            await send(rows={1: f"row {seq}", 2: "other"})
        assert (await page.get("rows"))["rows"] == {"1": "row 5", "2": "other"}


async def test_browsers_with_the_same_rows_share_one_text(hub: Hub, session: str) -> None:
    async with Page(session) as first, Page(session) as second:
        await first.settled(1, 2)
        await second.settled(2, 1, query="another=filter")
        assert len(list(hub.pages.screens)) == 1
        await send(rows={1: "row"})
        assert await first.get("rows") == await second.get("rows")


async def test_a_page_gets_what_changed_after_its_mark_when_it_begins_to_listen(
    hub: Hub, session: str
) -> None:
    account, other = await new_account(), await new_account()
    async with Page(session) as page:
        await page.get("hello")
        began = hub.backlog.last
        await send(rows={account.number: "before"})
        await arrived(hub, began + 1)
        before = mark()
        await send(rows={account.number: "after", other.number: "not shown"})
        await arrived(hub, began + 2)
        page.watch(account.number, mark=before)
        assert (await page.get("rows"))["rows"] == {str(account.number): "after"}


async def test_a_page_of_another_epoch_reads_again(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        page.watch(1, mark=("another", 5))
        assert (await page.get("reread"))["reason"] == "behind"


async def test_a_lost_message_makes_every_page_read_again(hub: Hub, session: str) -> None:
    async with Page(session) as page:
        await page.settled(1)
        await send(rows={1: "a"})
        await page.get("rows")
        before = mark()
        await lose_one()
        await send(rows={1: "c"})
        assert (await page.get("reread"))["within_ms"] > 0
        page.watch(1, mark=before)
        assert (await page.get("reread"))["reason"] == "behind"


async def test_what_a_publisher_could_not_send_makes_every_page_read_again(
    hub: Hub, session: str
) -> None:
    async with Page(session) as page:
        await page.settled(1)
        epoch, _ = mark()
        publisher().lose()
        await page.get("reread")
        assert mark()[0] != epoch


async def test_nonsense_in_the_group_disturbs_nothing(
    hub: Hub, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Page(session) as page:
        await page.settled(1)
        await send_raw(signed(msgspec.msgpack.encode({"rows": "none"})))
        await send(rows={1: "a"})
        assert (await page.get("rows"))["rows"] == {"1": "a"}
    assert "a message that is none" in caplog.text


async def test_an_entry_that_is_none_makes_all_read_again_and_ends_nothing(
    hub: Hub, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with Page(session) as page:
        await page.settled(1)
        for fields in ({"other": "x"}, {"kind": "", "accounts": "x", "body": ""}):
            before = mark()
            await threaded(send_fields)(fields)
            await page.get("reread")
            assert not hub.backlog.has(*before)
            await send(rows={1: "a"})
            await page.get("rows")
    assert "is none" in caplog.text


async def test_a_row_rendered_before_another_but_sent_after_it_is_not_shown(
    hub: Hub, session: str
) -> None:
    async with Page(session) as page:
        await page.settled(1, 2)
        await send(100.2, rows={1: "edited"})
        assert (await page.get("rows"))["rows"] == {"1": "edited"}
        await send(100.1, rows={1: "polled before the edit", 2: "x"})
        assert (await page.get("rows"))["rows"] == {"2": "x"}


async def test_a_new_account_makes_pages_of_the_fleet_read_again(hub: Hub, session: str) -> None:
    account = await new_account()
    async with Page(session) as fleet, Page(session) as one:
        await fleet.settled(1)
        await one.settled(page="account", account=account.number)
        await threaded(publish_accounts)([account.number], added=True)
        assert (await fleet.get("reread"))["reason"] == "added"
        await change(account, 7)
        assert "reread" not in {frame["type"] for frame in await one.until("account")}


async def test_a_deleted_account_makes_pages_of_the_fleet_read_again(
    hub: Hub, session: str
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        await threaded(account.delete)()
        await threaded(publish_accounts)([account.number])
        await page.get("reread")


async def test_totals_follow_a_change_of_a_row_that_is_not_on_screen(
    hub: Hub, session: str
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(1, query="phase=F1")
        before = await page.get("totals")
        await change(account, 987_654)
        after = await page.get("totals")
        assert "987,654" in after["html"]
        assert after != before


@pytest.fixture
def eager(monkeypatch: pytest.MonkeyPatch) -> None:
    """Totals are drawn at each heartbeat."""
    monkeypatch.setattr(pages, "TOTALS_EVERY_S", 0)


async def test_totals_that_did_not_change_are_not_sent_again(
    quick: Settings, eager: None, hub: Hub, session: str
) -> None:
    await new_account()
    async with Page(session) as page:
        page.watch(1)
        await page.get("totals")
        frames = [await page.frame() for _ in range(8)]
        assert {frame["type"] for frame in frames} == {"beat"}


async def test_the_panel_of_an_account_follows_its_changes(hub: Hub, session: str) -> None:
    account, other = await new_account(), await new_account()
    async with Page(session) as page:
        page.watch(page="account", account=account.number)
        await page.get("account")
        await change(other, 111_111)
        await change(account, 424_242)
        panel = await page.get("account")
        assert "424,242" in panel["html"]


async def test_a_panel_is_drawn_once_for_all_who_watch_it(
    hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await new_account()
    async with Page(session) as first, Page(session) as second:
        for page in (first, second):
            page.watch(page="account", account=account.number)
            await page.get("account")
        drawn: list[int] = []
        draw = fragments.account_panel

        def count(number: int) -> str:
            drawn.append(number)
            return draw(number)

        monkeypatch.setattr(fragments, "account_panel", count)
        await change(account, 5)
        assert (await first.get("account")) == (await second.get("account"))
        assert drawn == [account.number]


async def test_an_account_that_is_gone_costs_no_other_panel_and_fills_no_log(
    hub: Hub, session: str, caplog: pytest.LogCaptureFixture
) -> None:
    account = await new_account()
    async with Page(session) as lost, Page(session) as page:
        lost.watch(page="account", account=1)
        for _ in range(2):  # when it is drawn again, all of the first time was done
            page.watch(page="account", account=account.number)
            await page.get("account")
    assert "account 1" not in caplog.text


async def test_an_agents_row_reaches_the_agents_page_and_its_accounts_the_fleet(hub: Hub) -> None:
    user = await threaded(make_user)("accounts.view_account", "accounts.view_agent")
    session = await threaded(session_of)(user)
    account = await new_account()
    agent = account.agent
    assert agent is not None
    async with Page(session) as agents, Page(session) as fleet:
        await agents.settled(page="agents", agents=[agent.pk])
        await fleet.settled(account.number, agents=[agent.pk])
        await threaded(agent.save_changed)(status=Agent.Status.TIMEOUT, status_since=timezone.now())
        await threaded(publish_agents)([agent.pk])
        shown = await agents.get("rows")
        assert "Timeout" in shown["agents"][str(agent.pk)]
        assert shown["rows"] == {}
        shown = await fleet.get("rows")
        assert "Timeout" in shown["rows"][str(account.number)]
        assert shown["agents"] == {}


async def test_a_beat_tells_when_the_agents_on_screen_were_heard(
    quick: Settings, hub: Hub, session: str
) -> None:
    account, _ = await new_account(), await new_account()
    agent = account.agent
    assert agent is not None
    async with Page(session) as page:
        await page.settled(account.number, agents=[agent.pk])
        heard = timezone.now()
        await threaded(agent.save_changed)(last_seen_at=heard)
        told = {str(agent.pk): heard.timestamp()}
        await page.find("beat", lambda beat: beat["seen"] == told)
        assert (await page.get("beat"))["seen"] == {}


async def test_a_page_that_begins_to_listen_hears_at_once_when_its_agents_were_heard(
    quick: Settings, hub: Hub, session: str
) -> None:
    account = await new_account()
    agent = account.agent
    assert agent is not None
    async with Page(session) as first, Page(session) as second:
        await first.settled(account.number, agents=[agent.pk])
        await first.find("beat", lambda beat: beat["seen"])
        second.watch(account.number, agents=[agent.pk])
        assert str(agent.pk) in (await second.get("beat"))["seen"]


async def test_a_change_whose_message_was_lost_is_found_in_the_database(
    quick: Settings, hub: Hub, session: str
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        await change(account, 777_777, publish=False)
        await page.find("rows", lambda frame: "777,777" in frame["rows"][str(account.number)])


async def test_while_valkey_is_away_pages_show_what_the_database_says(
    quick: Settings, hub: Hub, valkey: PrivateValkey
) -> None:
    user = await threaded(make_user)("accounts.view_account", "accounts.view_agent")
    session = await threaded(session_of)(user)
    account = await new_account()
    agent = account.agent
    assert agent is not None
    number, one = str(account.number), str(agent.pk)
    async with Page(session) as page, Page(session) as agents:
        await page.settled(account.number)
        await agents.settled(page="agents", agents=[agent.pk])
        with valkey.away():
            await change(account, 777_777)
            await page.find("rows", lambda frame: "777,777" in frame["rows"].get(number, ""))
            now = timezone.now()
            await threaded(agent.save_changed)(status="timeout", status_since=now)
            await agents.find("rows", lambda frame: "Timeout" in frame["agents"].get(one, ""))
        await page.get("reread")


async def test_a_page_opened_while_valkey_is_away_is_read_again_once_it_is_back(
    quick: Settings, valkey: PrivateValkey, rows: None, user: User, session: str
) -> None:
    account = await new_account()
    hub = current()
    async with AsyncExitStack() as at_end:
        at_end.push_async_callback(hub.stop)
        with valkey.away():
            page = await at_end.enter_async_context(Page(session))
            page.watch(account.number)
            assert "reread" not in await kinds_of_beats(page, 5)
        await page.get("reread")
        page.watch(account.number)  # it has read itself again
        assert "reread" not in await kinds_of_beats(page, 5)


async def test_while_valkey_takes_nothing_pages_show_what_the_database_says(
    quick: Settings, hub: Hub, session: str, valkey: PrivateValkey
) -> None:
    """As when it is full, or read-only: it answers whoever reads."""
    account = await new_account()
    number = str(account.number)
    async with Page(session) as page:
        await page.settled(account.number)
        with valkey.client() as client:
            client.config_set("maxmemory", 1)
            for balance in (777_777, 888_888):
                await change(account, balance)
                text = f"{balance:,}"
                await page.find("rows", lambda one, text=text: text in one["rows"].get(number, ""))  # type: ignore[misc]
            client.config_set("maxmemory", 0)
        await page.get("reread")
        await page.settled(account.number)
        await change(account, 999_999)
        await page.find("rows", lambda frame: "999,999" in frame["rows"].get(number, ""))


async def test_nothing_is_passed_on_while_nobody_can_check_rights(
    quick: Settings,
    hub: Hub,
    session: str,
    user: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    going_on = threading.Event()
    real = reader.check

    def check(viewers: Iterable[Viewer]) -> dict[Viewer, Refused]:
        assert going_on.wait(PATIENCE_S)
        return real(viewers)

    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        monkeypatch.setattr(reader, "RIGHTS_FOR_S", 0.3)
        monkeypatch.setattr(reader, "check", check)
        while hub.loop.time() - hub.checked_at <= 0.3:
            await page.get("beat")
        await threaded(user.user_permissions.clear)()
        await change(account, 777_777)
        before = await kinds_of_beats(page, 4)
        going_on.set()
        after = [frame["type"] for frame in await page.until("closed")]
        assert not {"rows", "totals"} & {*before, *after}


async def test_a_check_of_rights_waits_for_no_other_work_on_the_database(
    quick: Settings, hub: Hub, session: str, user: User
) -> None:
    going_on, begun = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert going_on.wait(PATIENCE_S)

    def take_permissions() -> None:
        user.user_permissions.clear()
        connection.close()

    async with Page(session) as page:
        await page.settled(1)
        held = hub.start(threaded(hold)())
        try:
            assert await asyncio.to_thread(begun.wait, PATIENCE_S)
            await asyncio.to_thread(take_permissions)
            assert (await page.get("closed"))["code"] == Refused.FORBIDDEN
        finally:
            going_on.set()
            await held


async def test_a_change_that_was_delivered_is_not_rendered_again(
    quick: Settings, hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        await page.get("rows")  # it was made without a message
        await change(account, 5)
        await page.get("rows")
        monkeypatch.setattr(fragments, "rendered_accounts", None)
        frames = [frame for _ in range(4) for frame in await page.until("beat")]
        assert {frame["type"] for frame in frames} <= {"beat", "totals"}


async def test_pages_go_on_when_all_that_valkey_knew_was_deleted(
    quick: Settings, hub: Hub, session: str, valkey: PrivateValkey
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        await threaded(valkey.empty)()
        await page.get("reread")
        await change(account, 5)
        await page.get("rows")


async def test_pages_that_were_not_announced_for_a_while_read_again(
    hub: Hub, session: str, valkey: PrivateValkey
) -> None:
    account = await new_account()
    async with Page(session) as page:
        await page.settled(account.number)
        with valkey.client() as client:
            client.delete(stream.PAGES)  # as after EVENTS_OPEN_S without Valkey, or when evicted
        await change(account, 5)
        await page.get("reread")
