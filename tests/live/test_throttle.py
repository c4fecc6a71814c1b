import asyncio
import logging

import pytest

from accounts.live.throttle import Throttle

EVERY_S = 0.05


async def test_the_first_ask_is_served_at_once_and_the_next_ones_together_later() -> None:
    times: list[float] = []
    served = asyncio.Semaphore(0)

    async def act() -> None:
        times.append(asyncio.get_running_loop().time())
        served.release()

    throttle = Throttle(act, EVERY_S)
    throttle.ask()
    await served.acquire()
    for _ in range(10):
        throttle.ask()
    await served.acquire()
    assert len(times) == 2
    assert times[1] - times[0] >= EVERY_S * 0.99


async def test_a_failure_is_logged_and_the_next_ask_served(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = asyncio.Event()
    failures = iter([ValueError("broken")])

    async def act() -> None:
        for error in failures:
            raise error
        served.set()

    throttle = Throttle(act, 0)
    with caplog.at_level(logging.ERROR):
        throttle.ask()
        await asyncio.sleep(0)
        while not served.is_set():
            throttle.ask()
            await asyncio.sleep(0)
    assert "broken" in caplog.text
