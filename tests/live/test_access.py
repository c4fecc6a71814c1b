"""Whoever may not watch any more is gone within a beat."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts import gate
from accounts.consumers import no_page
from accounts.live.access import Pass, check
from accounts.live.beat import Reading
from accounts.live.hub import Hub
from mt5monitor.asgi import sockets
from mt5monitor.sessions import SessionStore
from tests.cast import ROLES, somebody
from tests.factories import make_user
from tests.live.page import Page, session_of


def log_out(user: User, session: str) -> None:
    client = Client()
    client.cookies["session"] = session
    client.post("/logout/")


def disable(user: User, session: str) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def delete(user: User, session: str) -> None:
    user.delete()


def take_permission(user: User, session: str) -> None:
    user.user_permissions.clear()


def change_password(user: User, session: str) -> None:
    user.set_password("another-secret")
    user.save(update_fields=["password"])


def expire(user: User, session: str) -> None:
    Session.objects.filter(pk=session).update(expire_date=timezone.now() - timedelta(seconds=1))


ENDS = [
    (log_out, 4401),
    (disable, 4403),
    (delete, 4403),
    (take_permission, 4403),
    (change_password, 4401),
    (expire, 4401),
]


@pytest.mark.parametrize(("end", "code"), ENDS)
async def test_a_socket_closes_when_its_user_may_not_watch_any_more(
    quick: Settings,
    hub: Hub,
    user: User,
    session: str,
    end: Callable[[User, str], None],
    code: int,
) -> None:
    other = await threaded(make_user)("accounts.view_account")
    other_session = await threaded(session_of)(other)
    async with Page(session) as page, Page(other_session) as bystander:
        await page.settled(1)
        await bystander.settled(1)
        await page.get("beat")
        await threaded(end)(user, session)
        assert (await page.get("closed"))["code"] == code
        await bystander.get("beat")
        assert {browser.holder.user_id for browser in hub.browsers} == {other.pk}


async def test_the_agents_page_closes_with_its_permission_and_the_fleet_stays(
    quick: Settings, hub: Hub
) -> None:
    user = await threaded(make_user)("accounts.view_account", "accounts.view_agent")
    session = await threaded(session_of)(user)
    async with Page(session) as agents, Page(session) as fleet:
        await agents.settled(page="agents", agents=[1])
        await fleet.settled(1)
        permission = await Permission.objects.aget(codename="view_agent")
        await user.user_permissions.aremove(permission)
        assert (await agents.get("closed"))["code"] == 4403
        await fleet.get("beat")


ADMITTED = {"viewer", "editor", "trader", "auditor", "boss"}


@pytest.mark.parametrize("role", ROLES)
async def test_only_those_who_may_see_accounts_may_listen(hub: Hub, role: str) -> None:
    user = await threaded(somebody)(role)
    session = await threaded(session_of)(user) if user else ""
    async with Page(session) as page:
        first = await page.frame()
    assert first["type"] == ("hello" if role in ADMITTED else "bye")


def test_there_is_no_socket_that_these_tests_do_not_know() -> None:
    assert [str(route.pattern) for route in sockets] == ["ws/live/", "^ws/?$", ""]
    assert sockets[-1].callback._application is no_page


async def test_a_permission_by_group_and_a_superuser_may_watch(hub: Hub) -> None:
    member = await threaded(make_user)()
    group = await Group.objects.acreate(name="desk")
    await group.permissions.aadd(await Permission.objects.aget(codename="view_account"))
    await member.groups.aadd(group)
    chief = await threaded(make_user)(is_superuser=True)
    for user in (member, chief):
        async with Page(await threaded(session_of)(user)) as page:
            await page.settled(1)


def test_asking_costs_three_queries_for_any_number_of_sockets(
    rows: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    users = [make_user("accounts.view_account") for _ in range(5)]
    holders = [Pass(user.pk, session_of(user)) for user in users for _ in range(4)]
    with django_assert_num_queries(3):
        assert check(holders) == {}


def test_a_session_of_somebody_else_is_none(rows: None) -> None:
    first, second = make_user("accounts.view_account"), make_user("accounts.view_account")
    holder = Pass(first.pk, session_of(second))
    assert check([holder])[holder].code == 4401


def passed(session: str) -> str:
    """This session, which has shown a second factor."""
    store = SessionStore(session)
    store[gate.PASSED] = True
    store.save()
    return session


def test_sockets_of_sessions_that_are_held_back_are_refused_for_one_query_more(
    rows: None, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MFA_REQUIRED = True
    trader = make_user("accounts.view_account", "trading.trade")
    viewer = make_user("accounts.view_account")
    holders = [Pass(user.pk, session_of(user)) for user in (trader, viewer)]
    holders.append(Pass(trader.pk, passed(session_of(trader))))
    with django_assert_num_queries(4):
        refused = check(holders)
    assert {holder: refusal.code for holder, refusal in refused.items()} == {holders[0]: 4403}
    assert refused[holders[0]].reason == gate.MISSING


async def test_nobody_connected_costs_no_query(
    quick: Settings, hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[frozenset[int]] = []
    read = hub._heart._beats.read

    def count(holders: list[Pass], agents_shown: frozenset[int]) -> Reading:
        reads.append(agents_shown)
        return read(holders, agents_shown)

    monkeypatch.setattr(hub._heart._beats, "read", count)
    async with Page(session) as page:
        await page.settled(1)
        await page.find("beat", lambda _: reads)
    reads.clear()
    await hub._heart.beat()
    assert not reads
