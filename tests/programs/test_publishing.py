"""What could not be told to programs is made up for, as soon as it can be."""

import threading

import pytest

from accounts.events import stream
from accounts.events.publishing import Writer
from mt5monitor import loop
from tests.valkey import PrivateValkey
from tests.waiting import eventually


def fails_first(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A new epoch cannot be begun, once."""
    real, errors = stream.break_off, [error]

    def break_off() -> None:
        if errors:
            raise errors.pop()
        real()

    monkeypatch.setattr(stream, "break_off", break_off)


@pytest.mark.parametrize("error", [TimeoutError(), ValueError("nobody thought of this")])
def test_it_is_tried_again_whatever_went_wrong(
    error: Exception,
    valkey: PrivateValkey,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fails_first(monkeypatch, error)
    writer = Writer()
    writer.lose()
    assert eventually(lambda: not writer.lost)
    assert ("nobody thought of this" in caplog.text) is isinstance(error, ValueError)


def test_after_the_loop_was_stopped_the_next_loss_is_made_up_for(
    valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = threading.Event()

    def break_off() -> None:
        tried.set()
        raise TimeoutError

    writer = Writer()
    with monkeypatch.context() as patch:
        patch.setattr(stream, "break_off", break_off)
        writer.lose()
        assert tried.wait(20)
        loop.stop()
    assert writer.lost
    writer.lose()
    assert eventually(lambda: not writer.lost)
