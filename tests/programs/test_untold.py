"""What became of an order or a versus is not lost with a process that dies before it told."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from types import SimpleNamespace

import pytest
from channels.db import database_sync_to_async as threaded
from django.contrib.auth.models import User
from django.utils import timezone

from accounts.live import stream
from accounts.live.events import Event
from accounts.live.publisher import Publisher
from accounts.models import Account
from tests.factories import make_account, make_order, make_versus
from tests.live.served import Served
from tests.programs.desk import get, say, socket, subscribe
from tests.valkey import PrivateValkey
from trading import events, journal
from trading.models import Order, Versus
from trading.states import State
from trading.versus import changes
from trading.versus.states import State as VersusState

AGO = timedelta(seconds=6)


@pytest.fixture
def dies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever commits here, some seconds ago, comes to an end before it tells."""
    past = SimpleNamespace(now=lambda: timezone.now() - AGO)
    monkeypatch.setattr(journal, "timezone", past)
    monkeypatch.setattr(changes, "timezone", past)
    monkeypatch.setattr(Publisher, "submit", lambda self, batch: None)


@pytest.fixture
def listened_long(valkey: PrivateValkey) -> Callable[[], None]:
    """API clients, who have just begun, had begun a minute ago."""

    def put_back() -> None:
        with valkey.client() as client:
            client.hset(stream.META, mapping={f"{stream.CLIENTS}:since": 1, "begun": 1})

    return put_back


def settle(account: Account) -> Order:
    order = make_order(account, state=State.SENDING)
    journal.change(order, State.FILLED, "Done.", order_ticket=7)
    return order


def cancel(versus: Versus) -> None:
    changes.change(versus, VersusState.CANCELLED, "Not wanted.")


@pytest.mark.parametrize("what", ["an order", "a versus"])
async def test_programs_read_anew_what_was_told_to_nobody(
    served: Served,
    user: User,
    key: str,
    dies: None,
    listened_long: Callable[[], None],
    what: str,
) -> None:
    versus = await threaded(make_versus)(user)
    async with socket(served, key) as program:
        before = await get(program, "hello")
        listened_long()
        await subscribe(program)
        if what == "an order":
            await threaded(settle)(versus.account_a)
        else:
            await threaded(cancel)(versus)
        anew = await get(program, "reload")
        assert anew["epoch"] != before["epoch"]
        await say(program, "ping")
        await get(program, "pong")  # and that was all


async def test_it_is_found_when_the_web_process_itself_died(
    served: Served, key: str, dies: None, listened_long: Callable[[], None]
) -> None:
    account = await threaded(make_account)()
    async with socket(served, key) as program:
        mark = await get(program, "hello")
    listened_long()
    served.kill()
    await threaded(settle)(account)
    served.start()
    await served.accepts()
    async with socket(served, key) as program:
        await get(program, "hello")
        await say(program, "resume", epoch=mark["epoch"], seq=mark["seq"])
        await subscribe(program)
        assert (await get(program, "reload"))["epoch"] != mark["epoch"]


async def test_what_was_told_is_not_missed_and_what_was_not_once(
    rows: None, user: User, dies: None
) -> None:
    versus = await threaded(make_versus)(user)
    of_orders, of_versus = events.orders(), events.versus()
    order = await threaded(settle)(versus.account_a)
    await threaded(cancel)(versus)
    assert [await of_orders.count_missing() for _ in range(2)] == [1, 0]
    for journal_of, build in (
        (of_versus, partial(events._of_versus, versus.pk)),
        (events.orders(), partial(events._of_order, order.pk)),
    ):
        (item,) = await threaded(build)()
        fields = {name: getattr(item, name).encode() for name in ("kind", "accounts", "body")}
        journal_of.arrived(Event.of("x", 1, {name.encode(): at for name, at in fields.items()}))
        assert await journal_of.count_missing() == 0


async def test_what_was_written_while_nobody_listened_is_not_missed(rows: None, dies: None) -> None:
    order = await threaded(settle)(await threaded(make_account)())
    written = (timezone.now() - AGO).timestamp()
    assert order.ended_at is not None
    assert await events.orders().count_missing(written + 1) == 0
    assert await events.orders().count_missing(written - 60) == 1


async def test_what_was_written_just_now_may_still_be_told(rows: None) -> None:
    await threaded(settle)(await threaded(make_account)())
    assert await events.orders().count_missing() == 0
