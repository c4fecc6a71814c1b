"""`/events/accounts` and `/events/positions` as served: Daphne in its own process, over TCP."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.live.publishing import publish_agents
from accounts.models import Agent, ApiToken
from tests.factories import make_account, make_online_agent, make_position
from tests.live.page import PATIENCE_S, session_of
from tests.live.served import Served
from tests.programs.desk import Stream, bearer, change
from tests.valkey import PrivateValkey

new_account = threaded(make_account)
ACCOUNTS, POSITIONS = "/events/accounts", "/events/positions"
QUICK = "?interval=1"


async def test_a_change_arrives_at_once_and_what_follows_soon_comes_together(
    served: Served, key: str
) -> None:
    account, other = await new_account(), await new_account()
    async with Stream(served, ACCOUNTS + QUICK, **bearer(key)) as stream:
        hello, _ = await stream.get("hello")
        await change(account.number, name="1")
        told, mark = await stream.get("account_update")
        assert told["account_number"] == account.number
        assert told["data"] == {"account_name": "1"}
        assert mark == f"{hello['epoch']}:{told['seq']}"
        await change(account.number, name="2")
        await change(other.number, name="3")
        await change(account.number, balance=Decimal(7), initial_balance=Decimal(7))
        told, mark = await stream.get("account_update")
        assert told["data"]["account_name"] == "2"
        assert told["data"]["balance"] == 7
        assert mark == ""
        told, mark = await stream.get("account_update")
        assert (told["data"], mark) == (
            {"account_name": "3"},
            f"{hello['epoch']}:{hello['seq'] + 4}",
        )


async def test_the_open_positions_of_an_account_that_changed_are_told_as_they_are(
    served: Served, key: str
) -> None:
    account, flat = await new_account(open_positions=1), await new_account(open_positions=0)
    position = await threaded(make_position)(account)
    async with Stream(served, POSITIONS + QUICK, **bearer(key)) as stream:
        await stream.get("hello")
        await change(account.number)  # nothing that is told of the account; a stop, say
        told, _ = await stream.get("positions")
        assert told["account_number"] == account.number
        assert [one["ticket"] for one in told["positions"]] == [position.ticket]
        await change(flat.number, open_positions=None)
        told, _ = await stream.get("positions")
        assert (told["account_number"], told["positions"]) == (flat.number, None)


def fail(agent: Agent) -> None:
    Agent.objects.filter(pk=agent.pk).update(status="timeout")
    publish_agents([agent.pk])


async def test_the_state_of_agents_is_told_to_those_who_may_see_it(
    served: Served, user: User, new_token: Callable[..., tuple[ApiToken, str]]
) -> None:
    agent = await threaded(make_online_agent)()
    account = await new_account(agent=agent)
    _, limited = await threaded(new_token)(user, "accounts.view_account")
    _, whole = await threaded(new_token)(user)
    async with (
        Stream(served, ACCOUNTS, **bearer(limited)) as some,
        Stream(served, ACCOUNTS, **bearer(whole)) as all_of_it,
    ):
        await some.get("hello")
        await all_of_it.get("hello")
        await threaded(fail)(agent)
        assert (await some.get("account_update"))[1]  # the last
        await all_of_it.get("account_update")
        assert (await all_of_it.get("agent_status"))[0]["agent_name"] == agent.name
    assert account.agent == agent


# --- who may --------------------------------------------------------------------------------------
async def test_a_session_may_listen_as_well(served: Served, user: User) -> None:
    session = await threaded(session_of)(user)
    async with Stream(served, ACCOUNTS, Cookie=f"session={session}") as stream:
        await stream.get("hello")


@pytest.mark.parametrize("path", [ACCOUNTS, POSITIONS])
async def test_nobody_else_may(
    served: Served, path: str, user: User, new_token: Callable[..., tuple[ApiToken, str]]
) -> None:
    _, agents_only = await threaded(new_token)(user, "accounts.view_agent")
    session = await threaded(session_of)(user)
    for headers, status in [
        ({}, 401),
        (bearer("wrong"), 401),
        (bearer("wrong") | {"Cookie": f"session={session}"}, 401),
        (bearer(agents_only), 403),
    ]:
        async with Stream(served, path, **headers) as stream:
            assert stream.status == status, headers


@pytest.mark.parametrize("interval", ["0", "61", "x", "nan", "-1", "inf", "1e9"])
async def test_an_interval_out_of_bounds_is_refused(
    served: Served, key: str, interval: str
) -> None:
    async with Stream(served, f"{ACCOUNTS}?interval={interval}", **bearer(key)) as stream:
        assert stream.status == 422


def revoke(user: User, token: ApiToken, session: str) -> None:
    assert token.revoke()


def disable(user: User, token: ApiToken, session: str) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, token: ApiToken, session: str) -> None:
    user.set_password("another long password")
    user.save(update_fields=["password"])


def sign_out(user: User, token: ApiToken, session: str) -> None:
    Session.objects.filter(pk=session).delete()


def sign_out_everywhere(user: User, token: ApiToken, session: str) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/security/sign-out/").status_code == 302


@pytest.mark.parametrize(
    ("end", "by"),
    [
        *((revoke, "token"), (disable, "token"), (change_password, "token")),
        *((change_password, ""), (sign_out, "")),
        *((sign_out_everywhere, "token"), (sign_out_everywhere, "")),
    ],
)
async def test_a_stream_ends_when_its_holder_may_not_listen_any_more(
    served: Served,
    user: User,
    new_token: Callable[..., tuple[ApiToken, str]],
    end: Callable[[User, ApiToken, str], None],
    by: str,
) -> None:
    token, key = await threaded(new_token)(user)
    session = await threaded(session_of)(user)
    headers = bearer(key) if by else {"Cookie": f"session={session}"}
    async with Stream(served, ACCOUNTS + "?interval=60", **headers) as stream:
        await stream.get("hello")
        await threaded(end)(user, token, session)
        bye, _ = await stream.get("bye")
        assert bye["code"] == 4401
        with pytest.raises(EOFError):
            await stream.next()


async def test_one_user_may_open_so_many_streams_and_no_more(served: Served, key: str) -> None:
    streams = [Stream(served, ACCOUNTS, **bearer(key)) for _ in range(60)]
    try:
        for stream in streams:
            await stream.__aenter__()
            await stream.get("hello")
        async with Stream(served, ACCOUNTS, **bearer(key)) as one_more:
            assert one_more.status == 429
        # No thread waits with them, and none of them keeps a connection to the database.
        assert threads_of(served) < 30
    finally:
        for stream in streams:
            await stream.__aexit__()


def threads_of(served: Served) -> int:
    return len(list(Path(f"/proc/{served._process.pid}/task").iterdir()))


# --- how it travels -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "given"),
    [("gzip, br", "gzip"), ("identity", "identity"), ("gzip;q=0", "identity"), ("br", "identity")],
)
async def test_events_arrive_at_once_compressed_or_not(
    served: Served, key: str, asked: str, given: str
) -> None:
    account = await new_account()
    headers = bearer(key) | {"Accept-Encoding": asked}
    async with Stream(served, ACCOUNTS, **headers) as stream:
        assert stream.status == 200
        assert stream.headers["content-type"].startswith("text/event-stream")
        assert stream.headers["content-encoding"] == given
        assert stream.headers["x-accel-buffering"] == "no"
        assert stream.headers["cache-control"] == "no-store"
        await stream.get("hello")
        await change(account.number, name="alone")
        assert (await stream.get("account_update"))[0]["data"] == {"account_name": "alone"}


async def test_who_comes_back_is_told_what_was_missed(served: Served, key: str) -> None:
    account = await new_account()
    async with Stream(served, ACCOUNTS, **bearer(key)) as stream:
        _, mark = await stream.get("hello")
    for number in range(3):
        await change(account.number, name=str(number))
    headers = bearer(key) | {"Last-Event-ID": mark}
    async with Stream(served, ACCOUNTS, **headers) as stream:
        told, last = await stream.get("account_update")
        assert told["data"] == {"account_name": "2"}
    async with Stream(served, POSITIONS, **headers) as stream:
        assert (await stream.get("positions"))[1] == last


@pytest.mark.parametrize("mark", ["another:1", "nonsense", ":", "é:1", "x" * 500 + ":3"])
async def test_a_mark_that_is_not_known_is_answered_by_reload(
    served: Served, key: str, mark: str
) -> None:
    async with Stream(served, ACCOUNTS, **bearer(key), Last_Event_ID=mark) as stream:
        told, now = await stream.get("reload")
        assert now == f"{told['epoch']}:{told['seq']}"


async def test_a_valkey_that_was_killed_makes_streams_read_anew(
    served: Served, key: str, valkey: PrivateValkey
) -> None:
    account = await new_account()
    async with Stream(served, ACCOUNTS + QUICK, **bearer(key)) as stream:
        before, _ = await stream.get("hello")
        valkey.restart()
        told, _ = await stream.get("reload")
        assert told["epoch"] != before["epoch"]
        await change(account.number, name="after")
        await stream.get("account_update")


async def test_when_agents_were_heard_is_told_to_those_who_ask(served: Served, key: str) -> None:
    agent = await threaded(make_online_agent)()
    async with Stream(served, ACCOUNTS + "?seen=1", **bearer(key)) as stream:
        await stream.get("hello")
        told, _ = await stream.get("seen")
        assert told["agents"][str(agent.pk)] == pytest.approx(agent.last_seen_at.timestamp())
        assert told["now"] > 0


def take_permission(user: User, name: str) -> None:
    user.user_permissions.remove(Permission.objects.get(codename=name))


async def test_a_quiet_stream_ends_when_its_permission_is_taken(
    served: Served, key: str, user: User
) -> None:
    async with Stream(served, ACCOUNTS, **bearer(key)) as stream:
        await stream.get("hello")
        await threaded(take_permission)(user, "view_account")  # view_agent stays
        bye, _ = await stream.get("bye")
        assert bye["code"] == 4403


async def test_all_who_leave_make_room(served: Served, key: str) -> None:
    account = await new_account()
    for number in range(2):
        streams = [await let_in(served, key) for _ in range(60)]  # as many as there may be
        await change(account.number, name=str(number))
        for stream in streams:  # while they are told of it
            await stream.__aexit__()


async def let_in(served: Served, key: str) -> Stream:
    """As soon as there is room."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            stream = await Stream(served, ACCOUNTS + QUICK, **bearer(key)).__aenter__()
            if stream.status == 200:
                await stream.get("hello")
                return stream
            await stream.__aexit__()
