import asyncio
import os
import threading

import pytest

from mt5monitor import loop


@pytest.fixture(autouse=True)
def _stopped():
    loop.stop()
    yield
    loop.stop()


async def where():
    return threading.current_thread(), asyncio.get_running_loop()


def test_coroutines_of_all_threads_run_on_one_loop():
    thread, first = loop.run(where())
    _, second = loop.submit(where()).result(5)
    assert first is second
    assert thread is not threading.current_thread()
    assert thread.daemon


def test_the_error_of_a_coroutine_is_raised_to_the_caller():
    async def fail():
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        loop.run(fail())


def test_a_coroutine_that_takes_too_long_is_cancelled():
    cancelled = threading.Event()

    async def hang():
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with pytest.raises(TimeoutError):
        loop.run(hang(), timeout=0.01)
    assert cancelled.wait(5)


def test_run_on_the_loops_own_thread_is_refused_with_a_sentence():
    async def nested():
        loop.run(where())

    with pytest.raises(RuntimeError, match="await the coroutine"):
        loop.run(nested())


def test_stop_on_the_loops_own_thread_is_refused_and_stops_nothing():
    async def nested():
        loop.stop()

    with pytest.raises(RuntimeError, match="call it elsewhere"):
        loop.run(nested())
    loop.run(where(), timeout=5)


def test_stop_cancels_tasks_and_then_closes_the_last_registered_first():
    said = []
    running = threading.Event()

    async def task():
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            said.append("task")

    async def close_first():
        said.append("first")

    async def close_second():
        said.append("second")

    loop.on_stop(close_first)
    loop.on_stop(close_second)
    future = loop.submit(task())
    assert running.wait(5)
    loop.stop()
    assert said == ["task", "second", "first"]
    assert future.cancelled()


def test_a_closer_that_fails_does_not_keep_the_others_from_closing(caplog):
    closed = []

    async def fail():
        raise LookupError("broken closer")

    async def close():
        closed.append(True)

    loop.on_stop(close)
    loop.on_stop(fail)
    loop.stop()
    assert closed == [True]
    assert "closing failed" in caplog.text


def test_stop_does_not_wait_for_a_closer_that_hangs(caplog):
    thread, _ = loop.run(where())

    async def hang():
        await asyncio.Event().wait()

    loop.on_stop(hang)
    loop.stop(timeout=0.2)
    thread.join(5)
    assert not thread.is_alive()


def test_after_stop_the_next_use_starts_another_loop():
    _, first = loop.run(where())
    loop.stop()
    _, second = loop.run(where())
    assert first is not second
    assert first.is_closed()


def test_stopping_what_never_ran_is_harmless():
    loop.stop()
    loop.stop()


def test_a_forked_child_gets_a_loop_of_its_own_and_leaves_the_parents_alone():
    loop.run(where())
    read, write = os.pipe()
    child = os.fork()
    if not child:
        try:
            loop.run(where(), timeout=5)
            loop.stop()
            os.write(write, b"ok")
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as said:
        assert said.read() == b"ok"
    os.waitpid(child, 0)
    loop.run(where(), timeout=5)
