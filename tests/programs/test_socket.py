"""`/ws` as served: Daphne in its own process, programs over TCP."""

import asyncio
import contextlib
import json
import socket as socketlib
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import AsyncMock, Mock

import pytest
from allauth.mfa.models import Authenticator
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.events import client as clients
from accounts.events.client import UNREAD_MOST
from accounts.events.frames import Ping, Subscribe
from accounts.live import stream
from accounts.live.access import Viewer
from accounts.live.publisher import publisher
from accounts.live.publishing import publish_agents
from accounts.models import Account, Agent, ApiToken
from tests.factories import make_account, make_online_agent, make_order, make_user, make_versus
from tests.live.page import PATIENCE_S, session_of
from tests.live.served import ClientConnection, Served
from tests.programs.desk import change, change_many, ended, get, say, socket, subscribe
from tests.valkey import PrivateValkey
from tests.waiting import eventually
from trading import journal
from trading.states import State
from trading.versus import changes
from trading.versus.states import State as VersusState

new_account = threaded(make_account)
NewToken = Callable[..., tuple[ApiToken, str]]


async def test_a_change_travels_to_a_program_as_the_fields_that_differ(
    served: Served, key: str
) -> None:
    account = await new_account(balance=Decimal("100.50"), initial_balance=Decimal(100))
    async with socket(served, key) as program:
        hello = await get(program, "hello")
        await subscribe(program)
        await change(account.number, balance=Decimal("101.25"))
        told = await get(program, "account_update")
        assert told.pop("timestamp") > account.changed_at.isoformat()[:10]
        assert told.pop("seq") == hello["seq"] + 1
        assert told == {
            "type": "account_update",
            "epoch": hello["epoch"],
            "account_number": account.number,
            "account_id": account.pk,
            "server": None,
            "data": {"balance": 101.25, "profit": 1.25},
        }
        await change(account.number, balance=Decimal("101.25"))  # nothing differs
        await say(program, "ping")
        await get(program, "pong")
        await change(account.number, name="Another")
        assert (await get(program, "account_update"))["data"] == {"account_name": "Another"}


async def test_a_program_hears_of_the_accounts_that_it_asked_for(served: Served, key: str) -> None:
    first, second = await new_account(), await new_account()
    async with socket(served, key) as program:
        await get(program, "hello")
        assert (await subscribe(program, first.number))["account_number"] == first.number
        await change(second.number, name="unheard")
        await change(first.number, name="heard")
        assert (await get(program, "account_update"))["account_number"] == first.number
        await say(program, "unsubscribe", account_number=first.number)
        await get(program, "unsubscribed")
        await subscribe(program, second.number)
        await change(first.number, name="unheard")
        await change(second.number, name="heard")
        assert (await get(program, "account_update"))["account_number"] == second.number


LARGEST = 2**63 - 1  # ticket that a column holds


def settle(account: Account) -> int:
    order = make_order(account, state=State.SENDING)
    journal.change(order, State.FILLED, "Done.", price=Decimal("1.25"), order_ticket=LARGEST)
    return order.pk


async def test_what_became_of_an_order_is_told_as_the_api_tells_it(
    served: Served, key: str
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program, account.number)
        order = await threaded(settle)(account)
        told = await get(program, "trade_result")
        assert (told["trade_type"], told["account_number"]) == ("open", account.number)
        assert told["result"]["success"] is True
        assert told["result"]["price"] == 1.25
        assert told["result"]["order"]["id"] == order
        # JavaScript rounds the number; the text beside it is exact.
        assert (told["result"]["ticket"], told["result"]["ticket_text"]) == (LARGEST, str(LARGEST))


def fail(agent: Agent, status: str) -> None:
    Agent.objects.filter(pk=agent.pk).update(status=status, status_reason="It is away.")
    publish_agents([agent.pk])


async def test_the_state_of_an_agent_is_told_when_it_differs(served: Served, key: str) -> None:
    agent = await threaded(make_online_agent)()
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program)
        await threaded(fail)(agent, "timeout")
        await threaded(fail)(agent, "timeout")
        told = await get(program, "agent_status")
        assert (told["agent_name"], told["status"]) == (agent.name, "timeout")
        await threaded(fail)(agent, "offline")
        assert (await get(program, "agent_status"))["status"] == "offline"


async def test_a_versus_is_told_to_those_who_hear_of_one_of_its_accounts(
    served: Served, user: User, key: str
) -> None:
    versus = await threaded(make_versus)(user)
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program, versus.login_b)
        await threaded(changes.change)(versus, VersusState.CANCELLED, "Not wanted.")
        told = await get(program, "versus_update")
        assert told["versus_id"] == versus.code
        assert told["data"]["reason"] == "Not wanted."


async def test_each_kind_is_for_those_who_may_see_it_and_no_token_beyond_its_scopes(
    served: Served, user: User, new_token: NewToken
) -> None:
    agent = await threaded(make_online_agent)()
    account = await new_account(agent=agent)
    versus = await threaded(make_versus)(user, account_a=account)
    _, accounts_only = await threaded(new_token)(user, "accounts.view_account")
    _, agents_only = await threaded(new_token)(user, "accounts.view_agent")
    async with socket(served, accounts_only) as first, socket(served, agents_only) as second:
        for program in (first, second):
            await get(program, "hello")
            await subscribe(program)
        await threaded(changes.change)(versus, VersusState.CANCELLED, "Not wanted.")
        await change(account.number, name="changed")
        await threaded(fail)(agent, "timeout")
        await say(first, "ping")
        assert (await get(first, "account_update"))["data"] == {"account_name": "changed"}
        assert (await get(second, "agent_status"))["status"] == "timeout"


# --- who may listen -------------------------------------------------------------------------------
async def test_a_session_of_a_page_of_ours_may_listen(served: Served, user: User) -> None:
    session = await threaded(session_of)(user)
    async with socket(served, session=session, origin=served.origin) as program:
        await get(program, "hello")


async def test_a_session_counts_for_nothing_without_the_origin_of_a_page(
    served: Served, user: User
) -> None:
    session = await threaded(session_of)(user)
    async with socket(served, session=session, origin="https://evil.example.com") as program:
        assert (await ended(program))[0] == 4403
    async with socket(served, session=session) as program:
        await say(program, "subscribe")
        assert (await ended(program))[0] == 4401


async def test_a_token_may_be_said_first(served: Served, key: str) -> None:
    async with socket(served) as program:
        await say(program, "auth", token=key)
        await get(program, "hello")
        await say(program, "auth", token=key)
        assert (await ended(program))[0] == 4400


@pytest.mark.parametrize("first", [{"type": "auth", "token": "mt5m_wrong"}, {"type": "ping"}])
async def test_who_does_not_say_a_token_that_is_right_is_told_so(
    served: Served, first: dict[str, str]
) -> None:
    async with socket(served) as program:
        await program.send(json.dumps(first))
        code, reason = await ended(program)
        assert code == 4401
        assert reason


async def test_a_wrong_token_is_not_made_good_by_a_session(served: Served, user: User) -> None:
    session = await threaded(session_of)(user)
    async with socket(served, key="wrong", session=session, origin=served.origin) as program:
        assert (await ended(program))[0] == 4401


async def test_who_may_see_none_of_it_is_closed_as_forbidden(
    served: Served, new_token: NewToken
) -> None:
    stranger = await threaded(make_user)()
    async with socket(served, (await threaded(new_token)(stranger))[1]) as program:
        assert (await ended(program))[0] == 4403


def revoke(user: User, token: ApiToken) -> None:
    assert token.revoke()


def expire(user: User, token: ApiToken) -> None:
    past = timezone.now() - timedelta(seconds=1)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=past)


def disable(user: User, token: ApiToken) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User, token: ApiToken) -> None:
    user.set_password("another long password")
    user.save(update_fields=["password"])


def sign_out_everywhere(user: User, token: ApiToken) -> None:
    client = Client()
    client.force_login(user)
    assert client.post("/security/sign-out/").status_code == 302


def reset_mfa(user: User, token: ApiToken) -> None:
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    call_command("reset_mfa", user.username)


def forbid(user: User, token: ApiToken) -> None:
    user.user_permissions.clear()


ENDS = [revoke, expire, disable, change_password, sign_out_everywhere, reset_mfa]


@pytest.mark.parametrize(("end", "code"), [*((end, 4401) for end in ENDS), (forbid, 4403)])
async def test_a_program_that_may_not_listen_any_more_is_closed_and_no_other(
    served: Served,
    user: User,
    key: str,
    new_token: NewToken,
    end: Callable[[User, ApiToken], None],
    code: int,
) -> None:
    other = await threaded(make_user)("accounts.view_account")
    token, its_key = await threaded(new_token)(user)
    _, other_key = await threaded(new_token)(other)
    async with socket(served, its_key) as program, socket(served, other_key) as bystander:
        await get(program, "hello")
        await get(bystander, "hello")
        await threaded(end)(user, token)
        assert (await ended(program))[0] == code
        await say(bystander, "ping")
        await get(bystander, "pong")


# --- what is said wrongly -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("{", 4400),
        ("[]", 4400),
        ('{"type":"shout"}', 4400),
        ('{"type":"subscribe","account_number":"7"}', 4400),
        ('{"type":"subscribe","account_number":-7}', 4400),
        ('{"type":"resume"}', 4400),
        (b'{"type":"ping"}', 4400),
        (" " * 5000, 4413),
        (b" " * 5000, 4413),
    ],
)
async def test_a_frame_that_is_none_closes_the_socket_with_a_reason(
    served: Served, key: str, frame: str | bytes, code: int
) -> None:
    async with socket(served, key) as program:
        await program.send(frame)
        closed, reason = await ended(program)
        assert closed == code
        assert reason


@pytest.mark.parametrize("frame", [{"type": "ping"}, {"type": "subscribe", "account_number": 1}])
async def test_a_flood_of_frames_closes_the_socket(
    served: Served, key: str, frame: dict[str, Any]
) -> None:
    async with socket(served, key) as program:
        text = json.dumps(frame)
        for _ in range(2000):
            await program.send(text)
        assert (await ended(program))[0] == 4429


async def test_so_many_accounts_and_no_more_may_be_asked_for(served: Served, key: str) -> None:
    async with socket(served, key) as program:
        for number in range(1, 1002):
            await say(program, "subscribe", account_number=number)
        code, reason = await ended(program)
        assert code == 4429
        assert "1000" in reason


# --- coming back ----------------------------------------------------------------------------------
async def resumed(program: ClientConnection, mark: dict[str, Any]) -> None:
    await get(program, "hello")
    await say(program, "resume", epoch=mark["epoch"], seq=mark["seq"])
    await subscribe(program)


async def test_who_comes_back_is_told_what_was_missed_in_order_and_nothing_twice(
    served: Served, key: str
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program)
        await change(account.number, name="0")
        mark = await get(program, "account_update")
    for number in range(1, 6):
        await change(account.number, name=str(number))
    async with socket(served, key) as program:
        await resumed(program, mark)
        await change(account.number, name="6")
        told = [await get(program, "account_update") for _ in range(6)]
    assert [one["data"]["account_name"] for one in told] == ["1", "2", "3", "4", "5", "6"]
    assert [one["seq"] - mark["seq"] for one in told] == [1, 2, 3, 4, 5, 6]


async def test_a_mark_outlives_the_web_process(served: Served, key: str) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        mark = await get(program, "hello")
    served.kill()
    await change(account.number, name="meanwhile")
    served.start()
    await served.accepts()
    async with socket(served, key) as program:
        await resumed(program, mark)
        assert (await get(program, "account_update"))["data"]["account_name"] == "meanwhile"


@pytest.mark.parametrize("mark", [{"epoch": "another", "seq": 1}, {"epoch": "", "seq": 10**6}])
async def test_a_mark_that_is_not_known_is_answered_by_reload(
    served: Served, key: str, mark: dict[str, Any]
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        now = await get(program, "hello")
        await say(program, "resume", epoch=mark["epoch"] or now["epoch"], seq=mark["seq"])
        await subscribe(program)
        told = await get(program, "reload")
        assert (told["epoch"], told["seq"]) == (now["epoch"], now["seq"])
        await change(account.number, name="after")
        await get(program, "account_update")


async def test_a_valkey_that_was_killed_makes_programs_read_anew_and_then_goes_on(
    served: Served, key: str, valkey: PrivateValkey
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        before = await get(program, "hello")
        await subscribe(program)
        with valkey.away():
            await change(account.number, name="unheard")  # neither fails nor waits
        told = await get(program, "reload")
        assert told["epoch"] != before["epoch"]
        assert await asyncio.to_thread(eventually, lambda: not publisher().is_behind)
        async with asyncio.timeout(PATIENCE_S):
            name = 0
            while True:
                name += 1
                await change(account.number, name=str(name))
                frame = json.loads(await program.recv())
                if frame["type"] == "account_update":
                    break
                assert frame["type"] == "reload"
        async with socket(served, key) as another:
            await resumed(another, before)
            assert (await get(another, "reload"))["epoch"] == frame["epoch"]


async def test_who_comes_back_after_all_had_left_for_too_long_is_told_to_reload(
    served: Served, key: str, valkey: PrivateValkey
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        mark = await get(program, "hello")
    with valkey.client() as client:
        client.delete(stream.CLIENTS)  # as after EVENTS_OPEN_S
    await change(account.number, name="unheard")
    async with socket(served, key) as program:
        await resumed(program, mark)
        again = await get(program, "reload")
        assert (again["epoch"], again["seq"] > mark["seq"]) == (mark["epoch"], True)


async def test_an_account_that_changed_without_an_event_is_told_all_the_same(
    served: Served, key: str
) -> None:
    """Whoever changed it was killed before it was written."""
    account = await new_account()
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program)
        row = Account.objects.filter(pk=account.pk)
        await row.aupdate(name="unsaid", changed_at=timezone.now())
        assert (await get(program, "account_update"))["data"]["account_name"] == "unsaid"


async def deaf(served: Served, key: str) -> asyncio.StreamWriter:
    """A program that subscribes and never reads."""
    small = socketlib.socket()
    small.setsockopt(socketlib.SOL_SOCKET, socketlib.SO_RCVBUF, 4096)
    small.connect(("127.0.0.1", served.port))
    reader, writer = await asyncio.open_connection(sock=small, limit=1024)
    writer.write(
        f"GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Sec-WebSocket-Version: 13\r\nAuthorization: Bearer {key}\r\n\r\n".encode()
    )
    await reader.readuntil(b"\r\n\r\n")
    payload = b'{"type":"subscribe"}'
    # Masked with zeros, which leaves the payload as it is.
    writer.write(bytes([0x81, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return writer


async def test_who_does_not_read_is_cut_off_and_delays_nobody(served: Served, key: str) -> None:
    numbers = [(await new_account()).number for _ in range(40)]
    async with socket(served, key) as program:
        await get(program, "hello")
        await subscribe(program)
        writer = await deaf(served, key)
        address = "{}:{}".format(*writer.get_extra_info("sockname"))
        events = 0
        while f"{address} - - " not in (log := served.log.read_text()) or (
            "WSDISCONNECT" not in log.rpartition(f"{address} - - ")[2].partition("\n")[0]
        ):
            await change_many(numbers, 5)
            told = [await get(program, "account_update") for _ in range(200)]
            assert told[-1]["seq"] - told[0]["seq"] == 199
            events += len(told)
            assert events < 20_000
        writer.close()


async def test_who_asks_and_does_not_read_the_answers_is_behind_as_well() -> None:
    async def send(message: dict[str, Any]) -> None:
        line.unread += len(message["text"])

    hub, line = Mock(slow=set()), Mock(unread=UNREAD_MOST)
    program = clients.Client(hub, Viewer(1), send, line)
    later = time.monotonic() + 1000
    await program.take_frame(Ping())
    assert program.is_behind(later)
    assert program in hub.slow
    line.unread = 0
    await program.wake()
    assert not program.is_behind(later)


async def test_a_program_that_asks_late_hears_from_then_on_of_what_it_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("accounts.events.client.ASKS_WITHIN_S", 0)
    program = clients.Client(Mock(backlog=[], slow=set()), Viewer(1), AsyncMock(), Mock(unread=0))
    monkeypatch.setattr(program, "take", lambda *_: [])
    await program.receive_all_unless_it_asks()
    assert program._all
    await program.take_frame(Subscribe(account_number=5))
    assert (program._all, program._accounts) == (False, {5})
    await program.take_frame(Subscribe(account_number=None))
    await program.take_frame(Subscribe(account_number=6))
    assert program._all


async def test_five_hundred_who_come_back_at_once_are_told_what_they_missed(
    served: Served, key: str, new_token: NewToken
) -> None:
    account = await new_account()
    async with socket(served, key) as program:
        mark = await get(program, "hello")
    for number in range(3):
        await change(account.number, name=str(number))
    users = [await threaded(make_user)("accounts.view_account") for _ in range(10)]
    keys = [(await threaded(new_token)(user))[1] for user in users] * 50

    async def come_back(key: str) -> list[str]:
        async with socket(served, key) as program:
            await resumed(program, mark)
            told = [await get(program, "account_update") for _ in range(3)]
            return [one["data"]["account_name"] for one in told]

    assert await asyncio.gather(*map(come_back, keys)) == [["0", "1", "2"]] * 500


async def test_one_user_may_open_so_many_sockets_and_no_more(served: Served, key: str) -> None:
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(60):
            await get(await stack.enter_async_context(socket(served, key)), "hello")
        async with socket(served, key) as one_more:
            assert (await ended(one_more))[0] == 4429


async def test_nothing_is_written_while_nobody_has_listened(
    valkey: PrivateValkey, rows: None
) -> None:
    account = await new_account()
    await change(account.number, name="unheard")
    assert not stream.connection().exists(stream.STREAM, stream.KNOWN, stream.META)


async def test_a_program_that_asks_for_nothing_receives_everything_since_hello(
    served: Served, key: str
) -> None:
    """As in the original system, whose programs know no `subscribe`."""
    first, second = await new_account(), await new_account()
    async with socket(served, key) as program:
        hello = await get(program, "hello")
        await change(first.number, name="at once")
        told = await get(program, "account_update")
        assert (told["account_number"], told["seq"]) == (first.number, hello["seq"] + 1)
        await change(second.number, name="later")
        assert (await get(program, "account_update"))["account_number"] == second.number
        await say(program, "unsubscribe")
        await get(program, "unsubscribed")
        await change(first.number, name="unheard")
        await say(program, "ping")
        await get(program, "pong")


async def test_a_program_that_asked_for_one_account_receives_no_other_later(
    served: Served, key: str
) -> None:
    first, second = await new_account(), await new_account()
    async with socket(served, key) as asking, socket(served, key) as silent:
        for program in (asking, silent):
            await get(program, "hello")
        await subscribe(asking, first.number)
        await change(second.number, name="unheard")
        await get(silent, "account_update")  # so the time in which to ask has passed
        await change(first.number, name="heard")
        assert (await get(asking, "account_update"))["account_number"] == first.number
