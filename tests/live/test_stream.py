"""What listening means in Valkey; what hubs make of it is in test_hub.py and test_delivery.py."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio
from django.conf import settings

from accounts.live import stream
from accounts.live.stream import CLIENTS, PAGES
from mt5monitor.valkey import connect_async
from tests.valkey import PrivateValkey


@pytest_asyncio.fixture
async def client(valkey: PrivateValkey) -> AsyncIterator[Any]:
    client = connect_async(settings.REDIS_URL)
    yield client
    await client.aclose()


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
