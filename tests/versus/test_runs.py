"""Congelar and transferir at real agents: what the venue holds in the end is the judge."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from tests.factories import make_user
from tests.versus.pair import Pair
from trading.models import Order, TradingSwitch, Versus
from trading.versus import desk, plan, schedule
from trading.versus.changes import change
from trading.versus.desk import NotNow
from trading.versus.driver import Quotes, act, drive, facts
from trading.versus.plan import next_action
from trading.versus.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.long]
TENTH, HALF = Decimal("0.10"), Decimal("0.05")
BOTH = [("BUY", TENTH), ("SELL", TENTH)]
HALVES = [("SELL", HALF), ("SELL", HALF)]


def test_a_freeze_opens_both_sides_on_a_and_nothing_on_b(pair: Pair) -> None:
    versus = pair.frozen()
    assert versus.state == State.FROZEN, versus.reason
    assert pair.held("a", versus) == BOTH
    assert pair.held("b", versus) == []


def test_each_frozen_leg_has_the_stops_of_a_in_its_own_direction(pair: Pair) -> None:
    versus = pair.frozen()
    buy, sell = (versus.orders.get(step=step) for step in ("buy", "sell"))
    assert buy.sl < buy.price < buy.tp
    assert sell.tp < sell.price < sell.sl


@pytest.mark.both_databases
def test_a_transfer_leaves_one_leg_on_a_and_two_halves_of_the_other_side_on_b(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    assert versus.state == State.TRANSFERRED, versus.reason
    assert pair.held("a", versus) == [("BUY", TENTH)]
    assert pair.held("b", versus) == HALVES


def test_the_leg_that_a_keeps_closes_where_b_does(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    half, kept = (versus.orders.get(step=step) for step in ("half-1", "protect"))
    assert kept.side == "BUY"
    # B sells: its stop-loss is above, where A takes its profit.
    assert abs(kept.tp - half.sl) < Decimal("0.0010")
    assert abs(kept.sl - half.tp) < Decimal("0.0010")


@pytest.mark.parametrize("fault", ["reject", "no-money", "closed"])
def test_when_the_first_leg_fails_nothing_is_open_and_nothing_more_is_sent(
    pair: Pair, fault: str
) -> None:
    pair.venue.steer("2", next_order=fault)
    versus = pair.frozen()
    assert versus.state == State.CANCELLED
    assert pair.held("a", versus) == []
    assert versus.orders.count() == 1
    assert "buy 0.1 EURUSD" in versus.reason


@pytest.mark.parametrize("fault", ["reject", "requote", "partial"])
def test_when_the_second_leg_fails_the_first_is_closed_again(pair: Pair, fault: str) -> None:
    pair.venue.steer("2", next_order=["slippage", fault])
    versus = pair.frozen()
    assert versus.state == State.COMPENSATED
    assert pair.held("a", versus) == []
    assert "sell 0.1 EURUSD" in versus.reason


@pytest.mark.both_databases
def test_an_undoing_that_fails_is_tried_until_nothing_is_open(pair: Pair) -> None:
    pair.venue.steer("2", next_order=["slippage", "reject", "closed", "requote"])
    versus = pair.frozen()
    assert versus.state == State.FREEZING
    assert pair.held("a", versus) == [("BUY", TENTH)]
    assert "Tried again at" in drive(versus).reason
    versus = pair.much_later(versus)
    assert pair.held("a", versus) == [("BUY", TENTH)]
    versus = pair.much_later(versus)
    assert versus.state == State.COMPENSATED
    assert pair.held("a", versus) == []


@pytest.mark.parametrize("before", [[], ["slippage"]])
def test_a_half_that_fails_is_undone_and_a_stays_frozen(pair: Pair, before: list[str]) -> None:
    versus = pair.frozen()
    pair.venue.steer("6", next_order=[*before, "no-money"])
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.FROZEN
    assert pair.held("a", versus) == BOTH
    assert pair.held("b", versus) == []
    assert "sell 0.05 EURUSD" in versus.reason
    again = desk.transfer(versus, pair.user)
    assert again.state == State.TRANSFERRED
    assert pair.held("b", again) == HALVES


def test_beyond_the_pivot_it_only_goes_forward(pair: Pair) -> None:
    versus = pair.frozen()
    pair.venue.steer("2", next_order=["closed", "closed"])
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.TRANSFERRING
    assert (pair.held("a", versus), pair.held("b", versus)) == (BOTH, HALVES)
    versus = pair.much_later(pair.much_later(versus))
    assert versus.state == State.TRANSFERRED
    assert (pair.held("a", versus), pair.held("b", versus)) == ([("BUY", TENTH)], HALVES)


def test_a_leg_whose_stops_could_not_be_set_is_an_alarm_until_they_are(pair: Pair) -> None:
    versus = pair.frozen()
    pair.venue.steer("2", next_order=["slippage", "reject", "reject"])
    versus = desk.transfer(versus, pair.user)
    assert versus.state == State.UNPROTECTED
    assert versus.is_alarming
    versus = pair.much_later(pair.much_later(versus))
    assert versus.state == State.TRANSFERRED


@pytest.mark.parametrize("fault", ["late", "late-none", "never"])
def test_while_a_leg_is_unknown_no_further_step_is_taken(pair: Pair, fault: str) -> None:
    pair.venue.steer("2", next_order=fault)
    versus = pair.frozen()
    assert versus.state == State.FREEZING
    assert versus.orders.count() == 1
    assert "unknown" in drive(versus).reason
    assert versus.orders.count() == 1


def test_a_leg_that_is_found_after_all_is_gone_on_from(pair: Pair) -> None:
    pair.venue.steer("2", next_order="lost")
    versus = pair.later(pair.frozen())
    assert versus.state == State.FROZEN
    assert pair.held("a", versus) == BOTH


@pytest.mark.both_databases
def test_two_drivers_and_a_third_that_was_held_up_open_no_leg_twice(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    planned = [next_action(facts(Versus.objects.get(pk=versus.pk))) for _ in range(2)]
    for action in planned:
        act(Versus.objects.get(pk=versus.pk), action, Quotes())
    drive(versus)
    act(Versus.objects.get(pk=versus.pk), planned[0], Quotes())
    assert pair.held("a", versus) == BOTH
    assert len(pair.venue.entries("2", "send")) == 2


@pytest.mark.both_databases
def test_a_driver_that_was_held_up_does_not_open_what_another_has_undone(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    stale = Versus.objects.get(pk=versus.pk)
    act(versus, next_action(facts(versus)), Quotes())
    late = next_action(facts(versus))
    assert isinstance(late, plan.Open)
    Versus.objects.filter(pk=versus.pk).update(failed_step="sell", reason="no quote")
    drive(versus)
    assert versus.state == State.COMPENSATED
    act(stale, late, Quotes())
    assert pair.held("a", versus) == []


@pytest.mark.both_databases
def test_what_was_placed_by_a_driver_that_died_is_sent_by_the_next(pair: Pair) -> None:
    versus = pair.created()
    change(versus, State.FREEZING, "by hand", run=1)
    action = next_action(facts(versus))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trading.orders.send", lambda order: order)
        act(versus, action, Quotes())
    assert Order.objects.get().state == "queued"
    versus = pair.later(versus)
    assert versus.state == State.FROZEN
    assert pair.held("a", versus) == BOTH


# --- what brokers do meanwhile ------------------------------------------------------------------
@pytest.mark.both_databases
def test_a_leg_that_is_gone_while_frozen_halts_its_schedule(pair: Pair) -> None:
    versus = pair.frozen()
    pair.close_at_the_broker("a", versus, "sell")
    versus = pair.later(versus)
    assert versus.state == State.DIVERGED
    assert "sell 0.1 EURUSD" in versus.reason
    with pytest.raises(NotNow):
        desk.transfer(versus, pair.user)


@pytest.mark.both_databases
def test_it_is_completed_by_itself_when_every_leg_is_closed(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    for role, step in (("b", "half-1"), ("b", "half-2"), ("a", "buy")):
        pair.close_at_the_broker(role, versus, step)
    assert pair.later(versus).state == State.COMPLETED


def test_one_leg_may_follow_the_other_a_moment_later_but_not_much_later(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    pair.close_at_the_broker("a", versus, "buy")
    versus = pair.later(versus)
    assert versus.state == State.TRANSFERRED
    versus = pair.much_later(versus)
    assert versus.state == State.DIVERGED
    assert desk.close_both(versus, pair.user, "enough")
    assert versus.state == State.CLOSED
    assert pair.held("b", versus) == []


@pytest.mark.both_databases
def test_both_are_closed_by_hand(pair: Pair) -> None:
    versus = pair.frozen()
    assert desk.close_both(versus, pair.user, "the news")
    assert versus.state == State.CLOSED
    assert pair.held("a", versus) == []


def test_an_account_that_cannot_be_read_is_no_leg_that_is_gone(pair: Pair) -> None:
    versus = pair.frozen()
    pair.close_at_the_broker("a", versus, "sell")
    account = pair.accounts["a"]
    type(account).objects.filter(pk=account.pk).update(open_positions=None)
    assert pair.later(versus).state == State.FROZEN


# --- schedules ----------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_a_scheduled_versus_begins_once_its_time_has_come(pair: Pair) -> None:
    versus = pair.created()
    soon = timezone.now() + timedelta(minutes=1)
    assert desk.schedule(versus, pair.user, soon, None)
    assert pair.later(versus).state == State.PENDING
    Versus.objects.update(freeze_at=timezone.now() - timedelta(seconds=1))
    versus = pair.later(versus)
    assert (versus.state, versus.freeze_at) == (State.FROZEN, None)
    schedule.tend()
    assert pair.held("a", versus) == BOTH


@pytest.mark.both_databases
def test_beyond_its_window_it_never_begins(pair: Pair) -> None:
    versus = pair.created()
    Versus.objects.update(freeze_at=timezone.now() - timedelta(minutes=6))
    assert pair.later(versus).state == State.MISSED
    assert pair.held("a", versus) == []


@pytest.mark.both_databases
def test_a_transfer_that_is_missed_leaves_it_frozen_and_says_so(pair: Pair) -> None:
    versus = pair.frozen()
    Versus.objects.update(transfer_at=timezone.now() - timedelta(minutes=6))
    versus = pair.later(versus)
    assert (versus.state, versus.transfer_at) == (State.FROZEN, None)
    assert "Its time has passed" in versus.reason


def test_a_schedule_does_not_run_for_somebody_who_may_not_any_more(pair: Pair) -> None:
    versus = pair.created()
    pair.user.user_permissions.clear()
    Versus.objects.update(freeze_at=timezone.now())
    versus = pair.later(versus)
    assert versus.state == State.MISSED
    assert "may not run versus any more" in versus.reason


# --- who, and when ------------------------------------------------------------------------------
def test_nothing_is_done_for_somebody_without_the_permission(pair: Pair) -> None:
    versus, stranger = pair.frozen(), make_user("trading.trade")
    acts = [desk.freeze, desk.transfer, desk.cancel]
    for run in acts:
        with pytest.raises(PermissionDenied):
            run(versus, stranger)
    with pytest.raises(PermissionDenied):
        desk.create(pair.new(), stranger)
    with pytest.raises(PermissionDenied):
        desk.close_both(versus, stranger, "")
    with pytest.raises(PermissionDenied):
        desk.schedule(versus, stranger, None, None)
    assert len(pair.venue.entries("2", "send")) == 2


def test_with_trading_off_nothing_begins_and_what_is_under_way_waits_loudly(pair: Pair) -> None:
    versus = pair.frozen()
    TradingSwitch.objects.update(is_on=False)
    with pytest.raises(NotNow, match="All trading is switched off"):
        desk.transfer(versus, pair.user)
    assert desk.close_both(versus, pair.user, "")
    versus.refresh_from_db()
    assert versus.state == State.CLOSING
    assert "All trading is switched off" in drive(versus).reason
    TradingSwitch.objects.update(is_on=True)
    assert pair.much_later(versus).state == State.CLOSED


def test_one_that_was_not_begun_is_cancelled(pair: Pair) -> None:
    versus = pair.created()
    assert desk.cancel(versus, pair.user)
    assert versus.state == State.CANCELLED
    assert not desk.cancel(versus, pair.user)


@pytest.mark.both_databases
def test_the_timeline_names_every_step_and_never_changes(pair: Pair) -> None:
    versus = desk.transfer(pair.frozen(), pair.user)
    steps = [event.step for event in versus.events.exclude(step="")]
    assert steps == ["buy", "sell", "half-1", "half-2", "release", "protect"]
    states = [event.state for event in versus.events.exclude(state="")]
    assert states == ["pending", "freezing", "frozen", "transferring", "transferred"]

    def delete() -> None:
        """As a person does at the console of the database."""
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM trading_versusevent WHERE versus_id = %s", [versus.pk])

    for change_it in (lambda: versus.events.update(text="x"), delete):
        with pytest.raises(DatabaseError, match="timelines of versus"), transaction.atomic():
            change_it()


@pytest.mark.both_databases
def test_one_whose_runner_may_not_any_more_is_taken_over_and_goes_on(pair: Pair) -> None:
    versus = pair.frozen()
    TradingSwitch.objects.update(is_on=False)
    assert desk.close_both(versus, pair.user, "off")
    assert versus.state == State.CLOSING
    TradingSwitch.objects.update(is_on=True)
    other = make_user("trading.run_versus")
    assert not desk.take_over(Versus.objects.get(), other)  # its runner may go on
    type(pair.user).objects.filter(pk=pair.user.pk).update(is_active=False)
    versus = pair.much_later(Versus.objects.get())
    assert len(pair.held("a", versus)) == 2
    with pytest.raises(PermissionDenied):
        desk.take_over(Versus.objects.get(), make_user())
    assert desk.take_over(Versus.objects.get(), other)
    versus = pair.much_later(pair.much_later(versus))
    assert (versus.state, versus.runner_name) == (State.CLOSED, other.username)
    assert pair.held("a", versus) == []
    assert versus.events.filter(actor=other.username, text__startswith="Taken over").exists()
