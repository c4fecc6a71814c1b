"""What runs later as a user: it goes by the second factor with which it was set going."""

from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from accounts.signin import proofs
from tests.factories import make_standing, make_user
from tests.versus.pair import Pair
from trading.models import StandingAcknowledgement, Versus
from trading.permits import UNPROVEN
from trading.versus import desk
from trading.versus.desk import Unproven
from trading.versus.states import State

pytestmark = pytest.mark.django_db
KIND = Authenticator.Type.RECOVERY_CODES


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.MFA_REQUIRED = True


def prove(user: User) -> User:
    """As who has just signed in with a second factor."""
    factor, _ = Authenticator.objects.get_or_create(user=user, type=KIND, defaults={"data": {}})
    proofs.attach(user, proofs.now(user, factor))
    return user


def lose(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()


def scheduled(pair: Pair) -> Versus:
    """It is due."""
    prove(pair.user)
    versus = pair.created()
    soon = timezone.now() + timedelta(minutes=1)
    assert desk.schedule(versus, pair.user, soon, None)
    Versus.objects.update(freeze_at=timezone.now())
    return Versus.objects.get()


@pytest.mark.both_databases
def test_a_schedule_begins_with_the_second_factor_of_whoever_scheduled(pair: Pair) -> None:
    versus = pair.later(scheduled(pair))
    assert versus.state == State.FROZEN, versus.reason
    assert versus.proof.kind == KIND


@pytest.mark.both_databases
def test_a_schedule_is_missed_once_that_factor_is_removed(pair: Pair) -> None:
    versus = scheduled(pair)
    lose(pair.user)
    prove(pair.user)  # another one, with which it was not scheduled
    versus = pair.later(versus)
    assert versus.state == State.MISSED
    assert "a second factor" in versus.reason
    assert versus.reason.endswith("Schedule it again.")
    assert pair.held("a", versus) == []


@pytest.mark.both_databases
def test_a_scheduled_transfer_is_missed_and_the_versus_stays_frozen(pair: Pair) -> None:
    prove(pair.user)
    versus = pair.frozen()
    assert desk.schedule(versus, pair.user, None, timezone.now() + timedelta(minutes=1))
    Versus.objects.update(transfer_at=timezone.now())
    lose(pair.user)
    versus = pair.later(versus)
    assert (versus.state, versus.transfer_at) == (State.FROZEN, None)
    assert "Schedule it again." in versus.reason
    assert len(pair.held("a", versus)) == 2


def test_signing_out_everywhere_leaves_what_was_scheduled(pair: Pair) -> None:
    versus = scheduled(pair)
    proofs.end_all(pair.user.pk)
    assert pair.later(versus).state == State.FROZEN


def test_a_versus_whose_factor_is_removed_opens_no_more_and_undoes_its_legs(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its two legs: one alone would be a risk that nobody chose."""
    prove(pair.user)
    versus = pair.created()
    place = desk.drive.__globals__["orders"].place

    def lost_after_the_first(*asked: object, **how: object) -> object:
        if Versus.objects.get().orders.exists():
            lose(pair.user)
        return place(*asked, **how)

    monkeypatch.setattr("trading.orders.place", lost_after_the_first)
    versus = desk.freeze(versus, pair.user)
    for _ in range(3):
        versus = pair.later(versus)
    denied = versus.orders.get(state="denied")
    assert (denied.kind, denied.reason) == ("open", UNPROVEN)
    assert versus.state == State.COMPENSATED, versus.reason
    assert pair.held("a", versus) == []


def test_nobody_sets_a_versus_going_without_a_second_factor_that_stands(pair: Pair) -> None:
    prove(pair.user)
    versus = pair.created()
    lose(pair.user)
    soon = timezone.now() + timedelta(hours=1)
    acts = {
        "freeze": lambda: desk.freeze(versus, pair.user),
        "schedule": lambda: desk.schedule(versus, pair.user, soon, None),
        "cancel": lambda: desk.cancel(versus, pair.user),
        "close": lambda: desk.close_both(versus, pair.user, ""),
        "take": lambda: desk.take_over(versus, pair.user),
        "create": lambda: desk.create(pair.new(), pair.user),
    }
    for act in acts.values():
        with pytest.raises(Unproven):
            act()
    versus.refresh_from_db()
    assert (versus.state, versus.freeze_at) == (State.PENDING, None)


def test_a_standing_acknowledgement_holds_while_its_givers_factor_stands(
    pair: Pair, settings: Settings
) -> None:
    giver = prove(make_user("trading.acknowledge_firm_rules"))
    given = make_standing(pair.user, given_by=giver, **proofs.of(giver).columns)
    before = make_standing(pair.user, given_by=giver)  # not known to be proven
    now = timezone.now()
    held = {one.pk: one.holds(now) for one in StandingAcknowledgement.objects.all()}
    assert held == {given.pk: True, before.pk: False}
    lose(giver)
    assert not StandingAcknowledgement.objects.get(pk=given.pk).holds(now)
    settings.MFA_REQUIRED = False
    assert StandingAcknowledgement.objects.get(pk=before.pk).holds(now)
