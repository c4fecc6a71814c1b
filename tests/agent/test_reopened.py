"""Positions that the broker re-opens under a new ticket, and those that a stop closes meanwhile."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.orders.result import result_of
from agent.simulated.account import SimulatedPosition
from agent.simulated.ledger import Ledger
from agent.simulated.world import World
from tests.agent.trading import TradingDesk

LARGEST = 2**63 - 1


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


async def opened(desk: TradingDesk, ticket: int | None = None) -> SimulatedPosition:
    """A position that was opened through the agent, and re-opened by the broker since."""
    answer = await desk.placed()
    position = desk.account.positions[answer["position"]]
    desk.account.reopen(position, int(desk.clock()), ticket)
    assert position.ticket != position.identifier == answer["position"] == answer["identifier"]
    return position


async def state(desk: TradingDesk) -> list[dict[str, Any]]:
    content: dict[str, Any] = (await desk.client.get("/v2/state")).json()
    return list(content["positions"])


async def test_a_reopened_position_is_told_with_both_numbers(desk: TradingDesk) -> None:
    position = await opened(desk, LARGEST)
    (told,) = await state(desk)
    assert (told["ticket"], told["identifier"]) == (LARGEST, position.identifier)


@pytest.mark.parametrize("name", ["ticket", "identifier"])
async def test_it_is_closed_by_either_number(desk: TradingDesk, name: str) -> None:
    position = await opened(desk)
    ticket, identifier = position.ticket, position.identifier
    answer = await desk.changed("close", getattr(position, name))
    assert answer["outcome"] == "done"
    assert (answer["position"], answer["identifier"]) == (ticket, identifier)
    assert desk.sends()[-1]["request"]["position"] == ticket
    assert desk.account.deals[-1].position_id == identifier
    assert desk.account.positions == {}


async def test_its_levels_are_set_by_its_identifier(desk: TradingDesk) -> None:
    position = await opened(desk)
    sl = round(desk.price()[0] - 0.002, 5)
    answer = await desk.changed("modify", position.identifier, sl=sl)
    assert (answer["outcome"], answer["identifier"]) == ("done", position.identifier)
    assert position.sl == sl


async def test_another_side_is_refused_whichever_number_is_given(desk: TradingDesk) -> None:
    position = await opened(desk)
    body = desk.change("close", position.identifier, side="SELL")
    assert await desk.refused(body) == "position-mismatch"


@pytest.mark.parametrize("name", ["ticket", "identifier"])
@pytest.mark.parametrize("fault", ["lost", "lost-altered"])
async def test_a_close_without_a_result_is_found_by_the_identifier(
    desk: TradingDesk, name: str, fault: str
) -> None:
    """What its deal bears is the identifier, never the ticket."""
    position = await opened(desk)
    desk.fault(fault)
    answer = await desk.changed("close", getattr(position, name))
    assert (answer["outcome"], answer["recovered"]) == ("done", True)
    assert answer["identifier"] == position.identifier
    assert answer["deal"] == desk.account.deals[-1].ticket


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_stop_that_is_hit_during_a_close_settles_it(
    desk: TradingDesk, reopened: bool
) -> None:
    position = await opened(desk) if reopened else None
    number = position.ticket if position else (await desk.placed())["position"]
    desk.fault("stopped")
    answer = await desk.changed("close", number)
    assert (answer["outcome"], answer["retcode"]) == ("done", 10036)
    assert (answer["external"], answer["recovered"]) == (True, True)
    assert answer["deal"] == desk.account.deals[-1].ticket
    assert answer["position"] == number


async def test_a_position_that_is_closed_in_part_and_open_is_not_taken_for_gone(
    desk: TradingDesk,
) -> None:
    ticket = (await desk.placed())["position"]
    await desk.changed("close", ticket, volume=0.04)
    desk.fault("gone")
    answer = await desk.changed("close", ticket)
    assert (answer["outcome"], answer["external"]) == ("unknown", False)


@pytest.mark.parametrize("start", [1_234_567_890_000_000_000, 9_000_000_000_000_000_000])
async def test_tickets_of_19_digits(desk: TradingDesk, start: int) -> None:
    desk.account.tickets_from = start
    answer = await desk.placed()
    assert answer["position"] > start
    assert (await desk.changed("close", answer["position"]))["outcome"] == "done"
    assert all(isinstance(deal.ticket, int) for deal in desk.account.deals)


async def test_a_venue_that_comes_back_knows_the_new_ticket(
    desk: TradingDesk, tmp_path: Path
) -> None:
    position = await opened(desk)
    kept = tmp_path / "ledger"
    entries = desk.terminal.world.venue.ledger.entries
    kept.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries), "utf-8")
    again = World(1, 1, desk.clock, Ledger(kept)).accounts[0]
    ours = {p.identifier: p.ticket for p in again.positions.values() if p.ordered}
    assert ours == {position.identifier: position.ticket}


def test_a_result_of_an_earlier_journal_is_read() -> None:
    assert result_of({"outcome": "done", "position": 5}).identifier is None
