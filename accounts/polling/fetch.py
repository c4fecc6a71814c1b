"""Asking one agent, on the process's background loop. No ORM here."""

import asyncio
import contextlib
import logging
import time
from dataclasses import replace
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from accounts.agents import AgentError, Endpoint, Reading, client
from accounts.agents.errors import AddressNotAllowed, BadCertificate, SecretMissing
from accounts.polling.poll_result import Result

log = logging.getLogger(__name__)
# What a reconnect of the terminal cannot mend.
BEYOND_RECOVERY = (AddressNotAllowed, BadCertificate, SecretMissing)


async def fetch(endpoint: Endpoint, *, recover: bool = False, wait_s: float = 0.0) -> Result:
    """Reads one agent, after `wait_s`; with `recover`, has its terminal reconnect first."""
    if wait_s:
        await asyncio.sleep(wait_s)
    if not recover:
        return await read(endpoint)
    # The reading that follows says what is wrong; a failed reconnect adds nothing to it.
    with contextlib.suppress(AgentError):
        await client().refresh(endpoint, patient=True)
    await asyncio.sleep(settings.RECOVERY_RETRY_S)
    return replace(await read(endpoint), recovered=True)


async def fetch_or_recover(endpoint: Endpoint, *, recover: bool) -> Result:
    result = await read(endpoint)
    if not recover or result.error is None or isinstance(result.error, BEYOND_RECOVERY):
        return result
    return await fetch(endpoint, recover=True)


async def read(endpoint: Endpoint) -> Result:
    started_at, begun = timezone.now(), time.perf_counter()
    reading: Reading | None = None
    error: AgentError | None = None
    try:
        reading = await client().read(endpoint, patient=True)
    except AgentError as raised:
        error = raised
    except Exception:
        # One agent's whole poll: a fault of ours in it must not end the sweep of the others.
        log.exception("Polling agent %s failed in a way that it should not", endpoint.name)
        error = AgentError("The monitor failed while reading this agent; its log says more.")
    latency = time.perf_counter() - begun
    return Result(
        agent_id=endpoint.id,
        url=endpoint.url,
        started_at=started_at,
        finished_at=started_at + timedelta(seconds=latency),
        latency_ms=latency * 1000,
        reading=reading,
        error=error,
        etag=endpoint.etag or "",
    )
