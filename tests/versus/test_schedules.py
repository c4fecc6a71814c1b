"""Schedules of versus: what happens to them while they are about to begin, and who learns why."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Firm
from tests.factories import make_user
from tests.versus.pair import Pair
from tests.versus.visitor import LOOK, page_of
from trading.models import Versus
from trading.versus import desk, schedule
from trading.versus.desk import NotNow
from trading.versus.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LATE = timedelta(minutes=6)


def meanwhile(monkeypatch: pytest.MonkeyPatch, what: Any) -> None:
    """Once, while the agents are asked for what stands against a step."""
    real = desk.failures

    def asking(*asked: Any) -> Any:
        found = real(*asked)
        monkeypatch.setattr(desk, "failures", real)
        what()
        return found

    monkeypatch.setattr(desk, "failures", asking)


def test_a_time_that_is_taken_away_while_it_is_about_to_begin_begins_nothing(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    versus = pair.created()
    Versus.objects.update(freeze_at=timezone.now())
    meanwhile(monkeypatch, lambda: desk.schedule(Versus.objects.get(), pair.user, None, None))
    versus = pair.later(versus)
    assert (versus.state, versus.freeze_at, versus.reason) == (State.PENDING, None, "")
    assert pair.held("a", versus) == []


def test_one_that_is_put_off_is_not_missed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    versus = pair.created()
    Versus.objects.update(freeze_at=timezone.now() - LATE)
    seen = Versus.objects.get()
    at = timezone.now() + timedelta(hours=1)
    assert desk.schedule(Versus.objects.get(), pair.user, at, None)
    monkeypatch.setattr(schedule, "_due", lambda now: [seen])
    versus = pair.later(versus)
    assert (versus.state, versus.freeze_at) == (State.PENDING, at)


def test_a_click_that_somebody_forestalled_is_told_so(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    versus = pair.created()
    meanwhile(monkeypatch, lambda: desk.cancel(Versus.objects.get(), pair.user))
    with pytest.raises(NotNow, match="changed by somebody else"):
        desk.freeze(versus, pair.user)
    assert not versus.orders.exists()


def test_the_window_is_that_of_the_moment_it_begins_in(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The round may have been held up by others before it."""
    versus = pair.created()
    due = timezone.now()
    Versus.objects.update(freeze_at=due)
    times = iter([due, due + LATE])
    monkeypatch.setattr(schedule, "timezone", SimpleNamespace(now=lambda: next(times)))
    schedule.tend()
    versus.refresh_from_db()
    assert versus.state == State.MISSED


def test_one_that_was_missed_says_what_had_stood_against_it(pair: Pair) -> None:
    versus = pair.created()
    Versus.objects.update(freeze_at=timezone.now())
    Firm.objects.update(opposite_positions="forbidden")
    assert "Not begun yet" in pair.later(versus).reason
    Versus.objects.update(freeze_at=timezone.now() - LATE)
    versus = pair.later(versus)
    assert versus.state == State.MISSED
    assert "It could not begin: Liberal forbids" in versus.reason
    assert versus.events.get(state=State.MISSED).text == versus.reason


def test_no_countdown_runs_to_a_transfer_that_is_halted(pair: Pair) -> None:
    somebody = make_user(*LOOK)
    versus = pair.frozen()
    assert desk.schedule(versus, pair.user, None, timezone.now() + timedelta(hours=1))
    assert "data-next" in page_of(somebody)
    pair.close_at_the_broker("a", versus, "sell")
    assert pair.later(versus).state == State.DIVERGED
    assert "data-next" not in page_of(somebody)
