"""The door of orders asks again, in the moment of the claim, how its user was proven."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone
from pytest_django import Settings

from accounts.models import ApiToken
from accounts.signin import proofs
from tests.factories import make_user
from tests.trading.desk import Desk
from trading import orders, permits
from trading.models import Order
from trading.states import State

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture(autouse=True)
def _required(settings: Settings) -> None:
    settings.MFA_REQUIRED = True


def factor_of(user: User) -> Authenticator:
    kind = Authenticator.Type.RECOVERY_CODES
    return Authenticator.objects.get_or_create(user=user, type=kind, defaults={"data": {}})[0]


def prove(user: User) -> None:
    """As who has just signed in with a second factor."""
    proofs.attach(user, proofs.now(user, factor_of(user)))


def prove_by_token(user: User) -> ApiToken:
    proof = proofs.now(user, factor_of(user))
    token = ApiToken.issue(user, "a script", timedelta(days=1), proof=proof)[0]
    proofs.attach(user, token.proof)
    return token


def test_whoever_has_shown_a_second_factor_trades(desk: Desk) -> None:
    prove(desk.trader)
    order = desk.send()
    assert order.state == State.FILLED, order.reason
    assert order.proof.kind == "recovery_codes"
    assert order.proof.factor == factor_of(desk.trader).pk
    assert order.proof.at is not None


def unknown(user: User) -> None:
    """A credential from before any of this was recorded, or none at all."""


def by_password(user: User) -> None:
    factor_of(user)  # it is there; it was not shown
    proofs.attach(user, proofs.now(user, None))


def by_somebody_elses(user: User) -> None:
    proofs.attach(user, proofs.now(user, factor_of(make_user())))


def by_one_that_was_removed(user: User) -> None:
    prove(user)
    Authenticator.objects.all().delete()
    factor_of(user)  # another one does not prove what the first did


@pytest.mark.parametrize("come", [unknown, by_password, by_somebody_elses, by_one_that_was_removed])
def test_without_a_second_factor_that_stands_nothing_is_sent(
    desk: Desk, come: Callable[[User], None]
) -> None:
    come(desk.trader)
    order = desk.send()
    assert (order.state, order.reason) == (State.DENIED, permits.UNPROVEN)
    assert desk.sent() == []


def remove_the_factor(user: User) -> None:
    Authenticator.objects.filter(user=user).delete()


def sign_out_everywhere(user: User) -> None:
    proofs.end_all(user.pk)


def revoke(user: User) -> None:
    assert all(token.revoke() for token in ApiToken.objects.all())


def expire(user: User) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(minutes=1))


def change_password(user: User) -> None:
    user = User.objects.get(pk=user.pk)
    user.set_password("another long password")
    user.save(update_fields=["password"])


END = [remove_the_factor, sign_out_everywhere, revoke, expire]


@pytest.mark.parametrize("end", [*END, change_password])
def test_what_ends_after_the_click_stops_the_order(desk: Desk, end: Callable[[User], None]) -> None:
    token = prove_by_token(desk.trader)
    order = desk.place()
    assert (order.state, order.token) == (State.QUEUED, token)
    end(desk.trader)
    order = orders.send(Order.objects.get(pk=order.pk))
    assert order.state == State.DENIED
    assert order.reason in (permits.UNPROVEN, permits.ENDED)
    assert desk.sent() == []


@pytest.mark.parametrize("end", END)
def test_what_ends_unseen_by_the_sender_is_found_out_by_the_claim_itself(
    desk: Desk, end: Callable[[User], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between its look and its UPDATE, as another process may."""
    prove_by_token(desk.trader)
    order = desk.place()
    refusal = permits.refusal

    def ended_just_after(order: Order, now: object) -> str:
        why = refusal(order, now)  # type: ignore[arg-type]
        end(desk.trader)
        return why

    monkeypatch.setattr(permits, "refusal", ended_just_after)
    assert not orders._claim(Order.objects.get(pk=order.pk))
    order.refresh_from_db()
    assert order.state == State.QUEUED
    monkeypatch.setattr(permits, "refusal", refusal)
    assert orders.send(order).state == State.DENIED
    assert desk.sent() == []


def test_a_desk_without_mfa_trades_and_signing_out_still_stops_its_orders(
    desk: Desk, settings: Settings
) -> None:
    settings.MFA_REQUIRED = False
    assert desk.send().state == State.FILLED
    proofs.attach(desk.trader, proofs.now(desk.trader, None))
    order = desk.place()
    proofs.end_all(desk.trader.pk)
    order = orders.send(order)
    assert (order.state, order.reason) == (State.DENIED, permits.ENDED)
    assert len(desk.sent()) == 1


@pytest.mark.parametrize("column", ["proven_by", "proven_at", "factor", "generation"])
def test_the_database_keeps_how_an_order_was_proven(desk: Desk, column: str) -> None:
    order = desk.place()
    values = {"proven_by": "totp", "proven_at": timezone.now(), "factor": 1, "generation": 1}
    with pytest.raises(DatabaseError, match="never changes"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**{column: values[column]})
