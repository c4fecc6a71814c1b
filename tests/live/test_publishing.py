"""What is published, when, and what happens when it cannot be."""

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from unittest.mock import Mock

import msgspec
import pytest
from channels.db import database_sync_to_async as threaded
from django.db import OperationalError, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.fleet import fragments
from accounts.live import changes, publisher, stream
from accounts.live.changes import Batch
from accounts.live.current import mark
from accounts.live.hub import Hub
from accounts.live.message import MAX_MESSAGE, Forged, Note, Rows, packed, parts, signed, unpacked
from accounts.live.publisher import Publisher
from accounts.live.publishing import publish_accounts, publish_agents, publish_note
from accounts.live.stream import Audiences, Item
from accounts.models import Account, Agent
from tests.factories import make_account, make_online_agent
from tests.live.page import PATIENCE_S, Page
from tests.valkey import PrivateValkey
from tests.waiting import eventually

BOTH = Audiences(pages=True, clients=True, at=1000.0)


@pytest.fixture
def submitted(rows: None, monkeypatch: pytest.MonkeyPatch) -> list[Batch]:
    batches: list[Batch] = []
    monkeypatch.setattr(Publisher, "submit", lambda _, batch: batches.append(batch))
    return batches


def test_all_that_a_transaction_publishes_is_one_batch_after_commit(
    submitted: list[Batch],
) -> None:
    with transaction.atomic():
        publish_accounts([1])
        with transaction.atomic():
            publish_accounts([2])
        publish_accounts([3], added=True)
        publish_agents([4])
        assert submitted == []
    (batch,) = submitted
    assert (batch.accounts, batch.added, batch.agents) == ({1, 2, 3}, {3}, {4})


def test_what_was_rolled_back_is_not_published(submitted: list[Batch]) -> None:
    with transaction.atomic():
        publish_accounts([1])
        transaction.set_rollback(True)
    assert submitted == []


def test_a_savepoint_rolled_back_takes_nothing_else_with_it(submitted: list[Batch]) -> None:
    with transaction.atomic():
        with transaction.atomic():
            publish_accounts([1])
            transaction.set_rollback(True)
        publish_accounts([2])
        with transaction.atomic():
            publish_accounts([3])
    (batch,) = submitted
    assert batch.accounts == {2, 3}


def test_outside_of_a_transaction_it_is_published_at_once(submitted: list[Batch]) -> None:
    publish_accounts([1])
    assert submitted[0].accounts == {1}


def test_nothing_to_publish_publishes_nothing(submitted: list[Batch]) -> None:
    publish_accounts([])
    publish_agents(())
    assert submitted == []


def test_whoever_commits_neither_reads_nor_renders(
    heard: PrivateValkey, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    number = make_account().number
    with django_assert_num_queries(0):
        publish_accounts([number])


# --- reading once ---------------------------------------------------------------------------------
def test_rows_are_read_once_for_pages_and_clients_however_many_they_are(
    rows: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    accounts = [make_account(agent=make_online_agent()) for _ in range(20)]
    batch = Batch(accounts={account.number for account in accounts})
    with django_assert_num_queries(1):
        (part,) = changes.read(batch, BOTH)
    assert part.rows is not None
    assert part.rows.rows.keys() == {account.number for account in accounts}
    assert len(part.items) == 20


def test_of_an_agent_its_accounts_are_read_too(rows: None) -> None:
    account = make_account()
    (part,) = changes.read(Batch(agents={account.agent_id or 0}), BOTH)
    assert part.rows is not None
    assert part.rows.rows.keys() == {account.number}
    assert part.rows.agents.keys() == {account.agent_id}
    assert [item.kind for item in part.items] == ["account_update", "agent_status"]


def test_for_an_audience_that_does_not_listen_nothing_is_made(
    rows: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = Batch(accounts={make_account().number}, builds=[lambda: 1 / 0])  # type: ignore[list-item, return-value]
    (part,) = changes.read(batch, BOTH._replace(clients=False))
    assert part.items == []
    monkeypatch.setattr(fragments, "rendered_accounts", None)
    batch.builds.clear()
    (part,) = changes.read(batch, BOTH._replace(pages=False))
    assert (len(part.items), part.rows) == (1, None)


def test_an_account_that_is_gone_is_said_to_be(rows: None) -> None:
    batch = Batch(accounts={424242}, added={424242})
    (part,) = changes.read(batch, BOTH._replace(clients=False))
    assert part.rows is not None
    assert (part.rows.gone, part.rows.added) == ([424242], [])


# --- messages -------------------------------------------------------------------------------------
def test_a_message_stays_below_its_bound_and_none_of_its_rows_is_lost() -> None:
    rows = dict.fromkeys(range(20), "ä" * 50_000)
    found = list(parts(rows, {1: "agent"}))
    assert {n for part, _ in found for n in part} == set(rows)
    assert [agents for _, agents in found if agents] == [{1: "agent"}]
    for part, _ in found:
        assert sum(len(html.encode()) for html in part.values()) <= MAX_MESSAGE


def test_a_message_is_read_as_it_was_written() -> None:
    message = Rows(at=1.5, rows={7: "<tr>"}, agents={8: "x"}, gone=[9], notes=["switch"])
    assert unpacked(packed(message)) == message


def test_what_another_key_signed_is_forged(settings: Settings) -> None:
    """Rows are HTML with buttons, which pages show as they come."""
    message = Rows(at=1.5, rows={1: '<tr hx-post="/close/" hx-trigger="load">'})
    settings.SECRET_KEY = "another"
    forged = packed(message)
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "ours"
    for text in (forged, b"", b"x" * 100, signed(b"")[:-1]):
        with pytest.raises(Forged):
            unpacked(text)
    settings.SECRET_KEY_FALLBACKS = ["another"]
    assert unpacked(forged) == message


# --- the thread -----------------------------------------------------------------------------------
@pytest.fixture
def heard(valkey: PrivateValkey, rows: None) -> Iterator[PrivateValkey]:
    """Both audiences listen, and nobody reads."""
    client = stream.connection()
    for place in (5, 4):
        epoch = stream.new_epoch()
        client.eval(stream._LISTEN, len(stream.KEYS), *stream.KEYS, epoch, 600, place, "primed")
    yield valkey
    assert publisher.publisher().drain(PATIENCE_S)


def test_batches_are_published_in_their_order(heard: PrivateValkey) -> None:
    publishing = Publisher()

    def item(number: int) -> list[Item]:
        return [Item(kind="test", accounts="", body=f'"number":{number}')]

    for number in range(50):
        publishing.submit(Batch(builds=[lambda number=number: item(number)]))  # type: ignore[misc]
    assert publishing.drain(PATIENCE_S)
    entries = stream.connection().xrange(stream.STREAM)
    found = [fields[b"body"] for _, fields in entries if fields.get(b"kind") == b"test"]
    assert found == [b'"number":%d' % number for number in range(50)]


def test_what_commits_while_others_are_published_is_published_together(
    heard: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    going_on = threading.Event()
    batches: list[set[int]] = []

    def read(batch: Batch, to: Audiences) -> list[stream.Part]:
        batches.append(batch.accounts)
        assert going_on.wait(PATIENCE_S)
        return []

    monkeypatch.setattr(changes, "read", read)
    publishing = Publisher()
    publishing.submit(Batch(accounts={0}))
    assert eventually(lambda: bool(batches))
    for number in range(1, 6):
        publishing.submit(Batch(accounts={number}))
    going_on.set()
    assert publishing.drain(PATIENCE_S)
    assert batches == [{0}, {1, 2, 3, 4, 5}]


def test_what_cannot_be_made_keeps_nothing_else_back(
    rows: None, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = make_account(), make_account()
    real_row, real_payload = fragments.rendered_accounts, changes.account_payload

    def refuse(accounts: Iterable[Account]) -> None:
        if bad.pk in {account.pk for account in accounts}:
            raise ValueError("no row of this")

    def rendered(accounts: list[Account], now: datetime) -> dict[int, str]:
        refuse(accounts)
        return real_row(accounts, now)

    def payload(account: Account, *more: Any) -> dict[str, Any]:
        refuse([account])
        return real_payload(account, *more)

    monkeypatch.setattr(fragments, "rendered_accounts", rendered)
    monkeypatch.setattr(changes, "account_payload", payload)
    item = Item(kind="test", accounts="", body="")
    builds = [lambda: 1 / 0, lambda: [item]]
    batch = Batch(accounts={good.number, bad.number}, builds=builds)  # type: ignore[arg-type]
    (part,) = changes.read(batch, BOTH)
    assert part.rows is not None
    assert part.rows.rows.keys() == {good.number}
    assert [item.kind for item in part.items] == ["account_update", "test"]
    # For either audience, and of the event.
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [
        ValueError,
        ZeroDivisionError,
        ValueError,
    ]
    assert len(changes.everything(1000.0)) == 1 + Agent.objects.count()


def test_two_readings_are_ordered_by_the_clock_that_all_hosts_share(rows: None) -> None:
    batch = Batch(accounts={make_account().number})
    (part,) = changes.read(batch, BOTH)
    assert part.rows is not None
    assert (part.rows.at, part.items[0].at) == (BOTH.at, "1000.000000")
    note = msgspec.json.decode(part.note, type=Note)
    assert abs(note.at - time.time()) < 600  # what the database says is by the clocks of hosts


def test_what_cannot_be_read_is_read_again(
    heard: PrivateValkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(changes, "read", lambda *_: 1 / 0)
    before = stream.connection().hget(stream.META, "epoch")
    publish_accounts([1])
    assert eventually(lambda: stream.connection().hget(stream.META, "epoch") != before)
    assert "ZeroDivisionError" in caplog.text


def test_a_connection_that_the_database_had_ended_loses_nothing(
    heard: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, faults = changes.read, [OperationalError("the connection was closed")]

    def read(batch: Batch, to: Audiences) -> list[stream.Part]:
        if faults:
            raise faults.pop()
        return real(batch, to)

    monkeypatch.setattr(changes, "read", read)
    before = stream.connection().hget(stream.META, "epoch")
    publish_accounts([make_account().number])
    assert publisher.publisher().drain(PATIENCE_S)
    assert not publisher.publisher().is_behind
    assert stream.connection().hget(stream.META, "epoch") == before
    ((_, fields),) = stream.connection().xrevrange(stream.STREAM, count=1)
    assert fields[b"kind"] == b"account_update"


def test_without_a_thread_to_spare_no_caller_is_disturbed_and_all_is_reread(
    heard: PrivateValkey, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    before = stream.connection().hget(stream.META, "epoch")
    publishing = Publisher()
    with monkeypatch.context() as none:
        none.setattr(threading.Thread, "start", Mock(side_effect=RuntimeError("no new thread")))
        publishing.submit(Batch(accounts={1}))
    assert publishing.drain(0)
    assert publishing.is_behind
    assert "no new thread" in caplog.text
    publishing.submit(Batch(accounts={1}))
    assert eventually(lambda: not publishing.is_behind)
    assert stream.connection().hget(stream.META, "epoch") != before


@pytest.mark.parametrize("error", [TimeoutError(), ValueError("not expected")])
def test_what_was_lost_is_made_up_for_whatever_goes_wrong(
    error: Exception,
    valkey: PrivateValkey,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    real, errors = stream.break_off, [error]

    def break_off(client: object) -> None:
        if errors:
            raise errors.pop()
        real(client)

    monkeypatch.setattr(stream, "break_off", break_off)
    publishing = Publisher()
    publishing.lose()
    assert eventually(lambda: not publishing.is_behind)
    assert ("not expected" in caplog.text) is isinstance(error, ValueError)


async def test_while_valkey_is_away_the_caller_goes_on_and_a_reread_follows(
    hub: Hub, session: str, valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    account = await threaded(make_account)()
    async with Page(session) as page:
        await page.settled(account.number)
        epoch, _ = mark()
        with valkey.away():
            for _ in range(3):
                await threaded(publish_accounts)([account.number])
            await asyncio.to_thread(publisher.publisher().drain, PATIENCE_S)
        await page.get("reread")
        assert mark()[0] != epoch
        async with asyncio.timeout(PATIENCE_S):
            while publisher.publisher().is_behind:
                await asyncio.sleep(0.01)
        await threaded(publish_accounts)([account.number])
        await page.get("rows")
    said = [record for record in caplog.records if record.name == "accounts.live.publisher"]
    assert [record.levelname for record in said] == ["WARNING", "INFO"]


def test_a_child_process_has_a_publisher_of_its_own() -> None:
    parent = publisher.publisher()
    publisher._forget_parents_publisher()
    assert publisher.publisher() is not parent


async def test_a_note_reaches_every_page_whatever_it_shows(hub: Hub, session: str) -> None:
    async with Page(session) as fleet, Page(session) as nothing:
        await fleet.settled()
        await threaded(publish_note)("switch")
        for page in (fleet, nothing):
            assert (await page.get("note"))["name"] == "switch"
