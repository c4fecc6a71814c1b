"""What a hub makes of the stream; what its listeners receive of it is in test_delivery.py."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accounts.live import healer, stream
from accounts.live.intake import ROWS_AT_ONCE, Intake
from accounts.live.journals import Journal
from accounts.live.message import MAX_MESSAGE
from accounts.live.stream import CLIENTS, PAGES, Item, Part
from accounts.payloads import members
from tests.live.sent import send_fields, write

MOST = 8 * 1024 * 1024  # bytes, of one answer


async def behind(client: Any, audience: str) -> Intake:
    """One that has still to read what is written from now on."""
    at = await stream.listen(client, audience, primed=True)
    assert at is not None
    intake = Intake()
    intake.announced.add(audience)
    intake.restart(at.epoch, at.seq)
    return intake


async def test_of_many_entries_few_rows_are_read_at_once(client: Any) -> None:
    intake = await behind(client, PAGES)
    for number in range(1, ROWS_AT_ONCE * 2 + 2):
        write(rows={number: "row"})
    ((_, entries),) = await client.xread({stream.STREAM: f"{intake.backlog.last}-0"})
    sizes: list[int] = []
    real = client.mget

    async def mget(keys: list[str]) -> Any:
        sizes.append(len(keys))
        return await real(keys)

    client.mget = mget
    mark = intake.backlog.mark
    await intake.take(client, entries)
    assert sizes == [ROWS_AT_ONCE, ROWS_AT_ONCE, 1]
    assert max(sizes) * MAX_MESSAGE <= MOST
    every = frozenset(range(1, 100))
    missed = intake.backlog.rows_since(*mark, every, every)
    assert missed is not None
    assert len(missed.rows) == ROWS_AT_ONCE * 2 + 1


async def test_what_is_read_back_has_arrived_and_what_is_none_is_a_gap(
    client: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = datetime.now(UTC)
    ended = {"an order": (now - timedelta(seconds=5)).timestamp()}
    journal = Journal("test", key=lambda event: "an order", written=lambda since: ended)
    monkeypatch.setattr(healer, "journals", [lambda: journal])
    at = await stream.listen(client, CLIENTS, primed=True)
    assert at is not None
    send_fields({"other": "x"})
    for _ in range(2):
        item = Item(kind="test", accounts="", body=members(now))
        stream.write(stream.connection(), Part([item]))
    intake = await behind(client, CLIENTS)
    await intake.read_back(client, at.since)
    assert await journal.count_missing() == 0
    assert not intake.backlog.has(at.epoch, at.seq)
    assert [event.kind for event in intake.backlog.since(at.seq + 1)] == ["test", "test"]
    assert "is none" in caplog.text
