"""What listening means in Valkey; what hubs make of it is in test_hub.py and test_delivery.py."""

import time
from typing import Any

import pytest

from accounts.live import stream
from accounts.live.stream import CLIENTS, PAGES, Item, Part, Position
from tests.valkey import PrivateValkey


async def listen(client: Any, audience: str) -> Position:
    """As a hub does for which all was primed."""
    at = await stream.listen(client, audience, primed=True)
    assert at is not None
    return at


async def test_an_audience_that_goes_on_listening_stays_in_its_epoch(client: Any) -> None:
    for audience in (PAGES, CLIENTS):
        await listen(client, audience)
    for audience in (PAGES, CLIENTS):
        first = await listen(client, audience)
        assert await listen(client, audience) == first


@pytest.mark.parametrize(("lapsed", "other"), [(CLIENTS, PAGES), (PAGES, CLIENTS)])
async def test_an_audience_that_lapsed_is_behind_and_disturbs_no_other(
    client: Any, lapsed: str, other: str
) -> None:
    await listen(client, other)
    before = await listen(client, lapsed)
    there = await listen(client, other)
    await client.delete(lapsed)
    after = await listen(client, lapsed)
    assert after.epoch == before.epoch
    assert after.since == after.seq == before.seq + 1
    assert after.since_at > before.since_at
    ((at, fields),) = await client.xrevrange(stream.STREAM, count=1)
    assert (at, fields[b"lapsed"]) == (b"%d-0" % after.seq, lapsed.encode())  # there is no gap
    assert (await listen(client, other))._replace(seq=there.seq) == there


async def test_no_api_client_listens_before_all_is_primed(client: Any) -> None:
    await listen(client, PAGES)
    assert await stream.listen(client, CLIENTS) is None
    assert not await client.exists(CLIENTS)
    first = await listen(client, CLIENTS)
    assert await stream.listen(client, CLIENTS) == first  # it is kept up without


async def test_what_changes_while_all_is_primed_is_sent_when_it_changes_back(client: Any) -> None:
    await listen(client, PAGES)
    assert await stream.listen(client, CLIENTS) is None
    valkey = stream.connection()
    assert stream.audiences(valkey).clients
    primed, offline, online = named("A"), named("B"), named("A")
    for at, part in enumerate((primed, offline, online), 10):
        part.items[0].at = str(float(at) / 10)
    stream.write(valkey, offline)
    stream.write(valkey, primed, only_prime=True)  # read before, and written after
    await listen(client, CLIENTS)
    assert not await client.exists(stream.PRIMING)
    stream.write(valkey, online)
    assert last_data(valkey) == '{"account_name":"A"}'


async def test_an_audience_misses_nothing_of_before_its_epoch(client: Any) -> None:
    before = await listen(client, CLIENTS)
    stream.break_off(stream.connection())
    after = await listen(client, CLIENTS)
    assert after.since == before.since
    assert before.since_at < after.since_at < stream.audiences(stream.connection()).at


def test_the_time_is_that_of_valkey_for_all_hosts(
    valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    (seconds, _), to = stream.connection().time(), stream.audiences(stream.connection())
    assert 0 <= to.at - seconds < 60
    monkeypatch.setattr(time, "time", lambda: 5.0)
    assert stream.audiences(stream.connection()).at >= to.at


async def test_a_version_that_kept_no_since_for_its_audience_is_taken_over(client: Any) -> None:
    await listen(client, CLIENTS)
    await client.hdel(stream.META, f"{CLIENTS}:since")
    after = await listen(client, CLIENTS)
    assert after.since == after.seq


def named(name: str) -> Part:
    """An account whose name is this."""
    item = Item(kind="account_update", accounts="1", body='"x":1', key="account:1", at="1.0")
    item.names, item.values, item.data = ["account_name"], [f'"{name}"'], True
    return Part([item])


def last_data(valkey: Any) -> str:
    ((_, fields),) = valkey.xrevrange(stream.STREAM, count=1)
    return str(fields[b"body"].decode().partition('"data":')[2])


async def test_only_what_differs_is_sent_and_after_a_new_epoch_everything(client: Any) -> None:
    await listen(client, CLIENTS)
    valkey = stream.connection()
    stream.write(valkey, named("A"))
    stream.write(valkey, named("A"))
    assert last_data(valkey) == "{}"
    stream.break_off(valkey)
    # It was B for a while, which API clients may have read when they were told to.
    stream.write(valkey, named("A"))
    assert last_data(valkey) == '{"account_name":"A"}'


async def test_what_is_primed_is_not_sent_and_only_before_api_clients_listen(client: Any) -> None:
    valkey = stream.connection()
    stream.write(valkey, named("A"), only_prime=True)
    await listen(client, CLIENTS)
    stream.write(valkey, named("A"))
    assert last_data(valkey) == "{}"
    stream.write(valkey, named("B"), only_prime=True)  # by a process that was slower
    stream.write(valkey, named("B"))
    assert last_data(valkey) == '{"account_name":"B"}'
