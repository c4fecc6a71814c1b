import logging

import pytest


@pytest.fixture(autouse=True)
def only_the_screen_of_the_supervisor(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handler of another test may hold a stream that is closed by now, and would say so there."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
