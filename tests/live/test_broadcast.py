"""What is sent, when, and what happens when it cannot be."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from channels.db import database_sync_to_async as threaded
from channels.layers import get_channel_layer
from django.db import transaction
from pytest_django import DjangoAssertNumQueries

from accounts import live
from accounts.fleet import fragments
from accounts.live import publishing
from accounts.live.hub import Hub
from accounts.live.message import GROUP, MAX_MESSAGE, Message, packed, parts, unpacked
from accounts.live.publishing import (
    Publisher,
    publish_accounts,
    publish_agents,
    publish_note,
    publisher,
)
from tests.factories import make_account, make_online_agent
from tests.live.page import PATIENCE_S, Page
from tests.valkey import PrivateValkey

Listen = Callable[[], Any]


class Ear:
    """Hears what is sent to the group."""

    async def begin(self) -> None:
        self.layer = get_channel_layer()
        self.channel = await self.layer.new_channel()
        await self.layer.group_add(GROUP, self.channel)

    async def message(self) -> Message:
        async with asyncio.timeout(PATIENCE_S):
            return unpacked(await self.layer.receive(self.channel))


@pytest_asyncio.fixture
async def ear(valkey: PrivateValkey, rows: None) -> AsyncIterator[Ear]:
    ear = Ear()
    await ear.begin()
    yield ear
    await ear.layer.flush()


class Collected(Publisher):
    def __init__(self) -> None:
        super().__init__()
        self.calls: list[list[Message]] = []

    def send(self, messages: list[Message]) -> None:
        self.calls.append(messages)


@pytest.fixture
def sent(rows: None, monkeypatch: pytest.MonkeyPatch) -> list[list[Message]]:
    collected = Collected()
    monkeypatch.setattr(publishing, "_publisher", collected)
    return collected.calls


def test_all_that_a_transaction_publishes_is_one_message_after_commit(
    sent: list[list[Message]],
) -> None:
    accounts = [make_account() for _ in range(4)]
    numbers = [account.number for account in accounts]
    with transaction.atomic():
        publish_accounts(numbers[:1])
        with transaction.atomic():
            publish_accounts(numbers[1:2])
        publish_accounts(numbers[2:3], added=True)
        publish_agents([accounts[3].agent_id or 0])
        assert sent == []
    ((message,),) = sent
    assert message.rows.keys() == set(numbers)
    assert message.agents.keys() == {accounts[3].agent_id}
    assert message.added == numbers[2:3]


def test_what_was_rolled_back_is_not_published(sent: list[list[Message]]) -> None:
    number = make_account().number
    with transaction.atomic():
        publish_accounts([number])
        transaction.set_rollback(True)
    assert sent == []


def test_a_savepoint_rolled_back_takes_nothing_else_with_it(sent: list[list[Message]]) -> None:
    first, second, third = (make_account().number for _ in range(3))
    with transaction.atomic():
        with transaction.atomic():
            publish_accounts([first])
            transaction.set_rollback(True)
        publish_accounts([second])
        with transaction.atomic():
            publish_accounts([third])
    ((message,),) = sent
    assert message.rows.keys() == {second, third}


def test_outside_of_a_transaction_it_is_published_at_once(sent: list[list[Message]]) -> None:
    number = make_account().number
    publish_accounts([number])
    assert sent[0][0].rows.keys() == {number}


def test_nothing_to_publish_sends_nothing_and_asks_nothing(
    sent: list[list[Message]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        publish_accounts([])
        publish_agents(())
    assert sent == []


def test_rows_are_rendered_in_as_many_queries_for_many_as_for_one(
    sent: list[list[Message]], django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    numbers = [make_account(agent=make_online_agent()).number for _ in range(20)]
    with django_assert_num_queries(1):
        publish_accounts(numbers)
    assert len(sent[0][0].rows) == 20


def test_an_account_that_is_gone_is_said_to_be(sent: list[list[Message]]) -> None:
    publish_accounts([424242], added=True)
    assert sent[0][0].gone == [424242]
    assert sent[0][0].added == []


def test_rows_that_cannot_be_rendered_cost_the_caller_nothing(
    sent: list[list[Message]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(fragments, "account_rows", lambda numbers: 1 / 0)
    publish_accounts([1])
    assert sent == [[]]
    assert "ZeroDivisionError" in caplog.text


def test_a_message_stays_below_its_bound_and_none_of_its_rows_is_lost() -> None:
    rows = dict.fromkeys(range(20), "ä" * 50_000)
    found = list(parts(rows, {1: "agent"}))
    assert {n for part, _ in found for n in part} == set(rows)
    assert [agents for _, agents in found if agents] == [{1: "agent"}]
    for part, agents in found:
        packet = packed(Message(source="s", seq=1, at=1.5, rows=part, agents=agents))
        assert sum(len(html.encode()) for html in packet["rows"].values()) <= MAX_MESSAGE


def test_a_message_survives_the_way_through_the_layer() -> None:
    message = Message(source="s", seq=2, at=1.5, rows={7: "<tr>"}, agents={8: "x"}, gone=[9])
    layer = get_channel_layer()
    assert unpacked(layer.deserialize(layer.serialize(packed(message)))) == message


async def test_messages_of_a_process_are_numbered_without_a_gap(ear: Ear) -> None:
    account = await threaded(make_account)()
    for _ in range(3):
        await threaded(publish_accounts)([account.number])
    heard = [await ear.message() for _ in range(3)]
    assert len({message.source for message in heard}) == 1
    first = heard[0].seq
    assert [message.seq for message in heard] == [first, first + 1, first + 2]


async def test_while_valkey_is_away_the_caller_goes_on_and_a_reread_follows(
    hub: Hub, session: str, valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    account = await threaded(make_account)()
    async with Page(session) as page:
        await page.settled(account.number)
        epoch, _ = live.mark()
        with valkey.away():
            for _ in range(3):
                await threaded(publish_accounts)([account.number])
        await page.get("reread")
        assert live.mark()[0] != epoch
        async with asyncio.timeout(PATIENCE_S):
            while publisher()._silenced:
                await asyncio.sleep(0.01)
        await threaded(publish_accounts)([account.number])
        await page.get("rows")
    said = [record for record in caplog.records if record.name == "accounts.live.publishing"]
    assert [record.levelname for record in said] == ["WARNING", "INFO"]


def test_a_child_process_is_another_source() -> None:
    parent = publisher()
    publishing._forget_parents_publisher()
    assert publisher()._source != parent._source


async def test_a_note_reaches_every_browser_whatever_it_shows(hub: Hub, session: str) -> None:
    async with Page(session) as fleet, Page(session) as nothing:
        await fleet.settled()
        await threaded(publish_note)("switch")
        for page in (fleet, nothing):
            assert (await page.get("note"))["name"] == "switch"
