from collections.abc import Iterator

import pytest
from pytest_django import Settings

from tests.scripted_fleet import ScriptedFleet


@pytest.fixture
def fleet(settings: Settings) -> Iterator[ScriptedFleet]:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        yield fleet


class Published:
    """What would have been shown to open pages."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.added: list[int] = []
        self.agents: list[int] = []


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> Published:
    published = Published()

    def accounts(numbers: Iterator[int], *, added: bool = False) -> None:
        (published.added if added else published.numbers).extend(numbers)

    monkeypatch.setattr("accounts.polling.recorder.publish_accounts", accounts)
    monkeypatch.setattr("accounts.polling.recorder.publish_agents", published.agents.extend)
    return published
