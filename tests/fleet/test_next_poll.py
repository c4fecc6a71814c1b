"""What the list of agents says about the next poll."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.fleet.agent_columns import next_in
from accounts.models import Agent


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "now"), (0, "now"), (0.9, "now"), (1, "in 1 s"), (61, "in 1 min")]
)
def test_less_than_a_second_is_now(seconds: float, text: str) -> None:
    now = timezone.now()
    agent = Agent(enabled=True, next_poll_at=now + timedelta(seconds=seconds))
    assert next_in(agent, now) == text
