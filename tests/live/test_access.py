"""Whoever may not watch any more is gone within a beat."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import Group, Permission, User
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.consumers import RefusedSocket
from accounts.live.access import Viewer, check
from accounts.live.heartbeat import Readings
from accounts.live.hub import Hub
from accounts.signin import mfa_required, proofs
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
        assert {page.viewer.user_id for page in hub.pages.open} == {other.pk}


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
    assert sockets[-1].callback._application.consumer_class is RefusedSocket


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
    holders = [Viewer(user.pk, session_of(user)) for user in users for _ in range(4)]
    with django_assert_num_queries(3):
        assert check(holders) == {}


def test_a_session_of_somebody_else_is_none(rows: None) -> None:
    first, second = make_user("accounts.view_account"), make_user("accounts.view_account")
    holder = Viewer(first.pk, session_of(second))
    assert check([holder])[holder].code == 4401


def proven(user: User) -> str:
    """The key of a session that has shown a second factor."""
    codes, _ = Authenticator.objects.get_or_create(
        user=user, type=Authenticator.Type.RECOVERY_CODES, defaults={"data": {}}
    )
    session = SessionStore(session_of(user))
    proofs.remember(session, user, codes)
    session.save()
    return str(session.session_key)


def test_sessions_that_are_held_back_are_refused_for_two_queries_more(
    rows: None, settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MFA_REQUIRED = True
    trader = make_user("accounts.view_account", "trading.trade")
    viewer = make_user("accounts.view_account")
    holders = [Viewer(user.pk, session_of(user)) for user in (trader, viewer)]
    holders.append(Viewer(trader.pk, proven(trader)))
    with django_assert_num_queries(5):
        refused = check(holders)
    assert {holder: refusal.code for holder, refusal in refused.items()} == {holders[0]: 4403}
    assert refused[holders[0]].reason == mfa_required.MISSING


def test_a_socket_is_refused_once_the_factor_that_it_has_shown_is_gone(
    rows: None, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    trader = make_user("accounts.view_account", "trading.trade")
    holder, former = (Viewer(trader.pk, proven(trader)) for _ in range(2))
    assert check([holder, former]) == {}
    Authenticator.objects.filter(user=trader).delete()
    assert {one: no.code for one, no in check([holder, former]).items()} == {
        holder: 4403,
        former: 4403,
    }
    # One of before, whose record is not known, proves nothing; neither does another's.
    session = SessionStore(former.session_key)
    session["second_factor"] = True
    session.save()
    other = make_user("accounts.view_account", "trading.trade")
    stolen = SessionStore(session_of(other))
    stolen[proofs.KEPT] = SessionStore(proven(trader))[proofs.KEPT]
    stolen.save()
    assert len(check([former, Viewer(other.pk, str(stolen.session_key))])) == 2


async def test_nobody_connected_costs_no_query(
    quick: Settings, hub: Hub, session: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[Readings] = []
    read = Readings.read

    def count(readings: Readings, *asked: Any) -> Any:
        reads.append(readings)
        return read(readings, *asked)

    monkeypatch.setattr(Readings, "read", count)
    async with Page(session) as page:
        await page.settled(1)
        await page.find("beat", lambda _: reads)
    reads.clear()
    await hub.beat()
    assert not reads
