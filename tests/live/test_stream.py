"""What listening means in Valkey; what hubs make of it is in test_hub.py and test_delivery.py."""

from typing import Any

from accounts.live import stream
from accounts.live.stream import CLIENTS, PAGES, Item, Part


async def test_an_audience_that_goes_on_listening_stays_in_its_epoch(client: Any) -> None:
    for audience in (PAGES, CLIENTS):
        await stream.listen(client, audience)
    for audience in (PAGES, CLIENTS):
        first = await stream.listen(client, audience)
        assert await stream.listen(client, audience) == first


async def test_api_clients_that_lapsed_begin_a_new_epoch(client: Any) -> None:
    before = await stream.listen(client, CLIENTS)
    await client.delete(CLIENTS)
    after = await stream.listen(client, CLIENTS)
    assert after.epoch != before.epoch
    assert after.since == after.seq > before.seq


async def test_pages_that_lapsed_are_behind_and_disturb_no_api_client(client: Any) -> None:
    await stream.listen(client, CLIENTS)
    before = await stream.listen(client, PAGES)
    await client.delete(PAGES)
    after = await stream.listen(client, PAGES)
    assert after.epoch == before.epoch
    assert after.since == after.seq == before.seq + 1
    assert (await client.xrange(stream.STREAM))[-1][0] == b"%d-0" % after.seq  # there is no gap


async def test_a_version_that_kept_no_since_for_its_audience_is_taken_over(client: Any) -> None:
    await stream.listen(client, CLIENTS)
    await client.hdel(stream.META, CLIENTS)
    after = await stream.listen(client, CLIENTS)
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
    await stream.listen(client, CLIENTS)
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
    await stream.listen(client, CLIENTS)
    stream.write(valkey, named("A"))
    assert last_data(valkey) == "{}"
    stream.write(valkey, named("B"), only_prime=True)  # by a process that was slower
    stream.write(valkey, named("B"))
    assert last_data(valkey) == '{"account_name":"B"}'
