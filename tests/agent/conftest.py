"""A fleet that stands still until its clock is turned."""

from collections.abc import AsyncIterator

import httpx
import pytest

from agent.members import Member
from tests.agent.parts import SEED, TurnedClock, fleet_of


@pytest.fixture
def clock() -> TurnedClock:
    return TurnedClock()


@pytest.fixture
def fleet(clock: TurnedClock) -> tuple[list[Member], httpx.AsyncClient]:
    return fleet_of(20, clock, secret_seed=SEED)


@pytest.fixture
def members(fleet: tuple[list[Member], httpx.AsyncClient]) -> list[Member]:
    return fleet[0]


@pytest.fixture
async def client(
    fleet: tuple[list[Member], httpx.AsyncClient],
) -> AsyncIterator[httpx.AsyncClient]:
    async with fleet[1] as client:
        yield client
