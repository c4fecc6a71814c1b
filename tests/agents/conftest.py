"""Clients with short limits, each closed at the end of its test."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable

import msgspec
import pytest

from accounts.agents import AgentClient, AgentError, Endpoint, Limits

SHORT = Limits(
    connect_timeout=2.5,
    pool_timeout=0.5,
    read_timeout=2.0,
    deadline=3.0,
    refresh_deadline=3.0,
    allowed_networks=("127.0.0.0/8",),
)
MakeClient = Callable[..., AgentClient]
# Reading the system's certificate authorities takes longer than most tests.
SYSTEM = ssl.create_default_context()


def endpoint(url: str, contract: str = "1", **more: object) -> Endpoint:
    return Endpoint(1, "one", url, contract, **more)


@pytest.fixture
async def make_client() -> AsyncIterator[MakeClient]:
    made: list[AgentClient] = []

    def make(tls=None, **limits: object) -> AgentClient:
        made.append(AgentClient(msgspec.structs.replace(SHORT, **limits), tls or SYSTEM))
        return made[-1]

    yield make
    for client in made:
        await client.close()
    await asyncio.sleep(0)


@pytest.fixture
async def agents(make_client: MakeClient) -> AgentClient:
    return make_client()


async def failing(
    client: AgentClient, url: str, error: type[AgentError], match: str | None = None
) -> AgentError:
    """Reads `url`, expects exactly `error`, and holds it to be counted and its slot to be free."""
    before = client.statistics().errors.get(error.code, 0)
    with pytest.raises(error, match=match) as caught:
        await client.read(endpoint(url))
    assert type(caught.value) is error
    assert client.statistics().errors[error.code] == before + 1
    assert client.statistics().in_use == 0
    return caught.value
