"""The wall clock of a test, which can be set."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

HOUR = timedelta(hours=1)


class Wall:
    """Runs on as the real one does, `ahead` of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead = timedelta(0)
        self._real: Callable[[], datetime] = timezone.now
        monkeypatch.setattr("django.utils.timezone.now", lambda: self._real() + self.ahead)

    def turn(self, by: timedelta) -> None:
        self.ahead += by
