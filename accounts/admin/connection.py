"""Asking agents who they are, for a person who tests a connection; nothing is written."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from accounts.agents import AgentError, Endpoint, client
from accounts.models import Agent
from mt5monitor import loop


@dataclass(frozen=True)
class Tested:
    agent: Agent
    sentence: str
    code: str = ""
    """Name of the error; empty when the agent answered as it should."""


def try_connections(agents: Sequence[Agent]) -> list[Tested]:
    """Asks all of them at once; the client's own deadline ends each."""
    answers = loop.run(_ping_all([agent.endpoint() for agent in agents]))
    return [
        Tested(agent, answer.sentence, answer.code)
        if isinstance(answer, AgentError)
        else Tested(agent, answer)
        for agent, answer in zip(agents, answers, strict=True)
    ]


async def _ping_all(endpoints: Sequence[Endpoint]) -> list[str | AgentError]:
    return await asyncio.gather(*(_ping(endpoint) for endpoint in endpoints))


async def _ping(endpoint: Endpoint) -> str | AgentError:
    try:
        return await client().ping(endpoint)
    except AgentError as error:
        return error
