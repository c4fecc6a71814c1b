"""The wall clock is set back: what a versus waits for comes no later than it would have."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accounts.models import Account, Agent
from tests.wall import HOUR
from trading.models import Versus
from trading.versus import plan
from trading.versus.actions import Notice, Wait
from trading.versus.holdings import is_credible
from trading.versus.legs import Leg, Legs
from trading.versus.plan import Facts

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def facts(**columns: Any) -> Facts:
    return Facts(Versus(run=1, **columns), Legs([]), {}, NOW)


@pytest.mark.parametrize(("ahead", "waits"), [(10 * SECOND, True), (HOUR, False), (-SECOND, False)])
def test_a_step_is_tried_again_when_its_time_lies_further_ahead_than_it_can(
    ahead: timedelta, waits: bool
) -> None:
    assert isinstance(plan._in_time(facts(retry_at=NOW + ahead), "protect"), Wait) is waits


def test_a_leg_is_gone_from_now_on_when_it_was_missed_before_it_was_set_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(plan, "_gone", lambda _: ["leg"])
    monkeypatch.setattr(plan, "_with_one_too_many", lambda _: None)
    monkeypatch.setattr(plan, "_with_less", lambda _: None)
    monkeypatch.setattr(Facts, "open", ["leg", "other"])
    assert plan._watched(facts(gone_at=NOW + HOUR)) == Notice(NOW)
    assert plan._watched(facts(gone_at=NOW - SECOND)) == Wait()


@pytest.mark.parametrize(
    ("opened", "credible"),
    [(-30 * SECOND, True), (20 * SECOND, False), (HOUR, True)],
    ids=["before", "perhaps after the reading", "before it was set back"],
)
def test_a_reading_from_after_it_was_set_back_shows_legs_from_before(
    opened: timedelta, credible: bool
) -> None:
    agent = Agent(status="online", last_seen_at=NOW - SECOND, stale_after=34 * SECOND)
    account = SimpleNamespace(
        agent=agent,
        seen_at=agent.last_seen_at,
        is_stale=agent.is_stale,
        connected=True,
        open_positions=1,
        positions_error="",
        positions=SimpleNamespace(count=lambda: 1),
    )
    leg = SimpleNamespace(since=NOW + opened)
    assert is_credible(cast(Account, account), cast(Leg, leg), NOW) is credible
