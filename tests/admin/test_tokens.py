"""Tokens of the API in the admin: made, told once, revoked."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ApiToken
from tests.factories import make_user
from tests.pages.reading import text, words

pytestmark = pytest.mark.django_db
LIST = "/admin/accounts/apitoken/"
MAY = ("accounts.view_apitoken", "accounts.add_apitoken", "accounts.delete_apitoken")


def admin_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def staff(db: None) -> User:
    return make_user(*MAY, "accounts.view_account", is_staff=True)


def make(client: Client, user: User, **typed: object) -> str:
    """What the list says after it."""
    form = {"user": user.pk, "name": "reports", "days": 30, **typed}
    return words(text(client.post(f"{LIST}add/", form, follow=True)))


def test_a_token_is_told_once_and_lets_in_as_its_user_within_its_limits(staff: User) -> None:
    client = admin_of(staff)
    said = make(client, staff, reach=["accounts.view_account"])
    key = re.search(r"mt5m_[\w-]{43}", said)
    assert key is not None
    program = Client(headers={"Authorization": f"Bearer {key[0]}"})
    assert program.get("/api/accounts").status_code == 200
    assert program.get("/api/agents/status").status_code == 403
    listed = text(client.get(LIST))
    assert key[0] not in listed
    assert ApiToken.objects.get().start in listed
    staff.set_password("another long password")
    staff.save(update_fields=["password"])
    assert program.get("/api/accounts").status_code == 401


@pytest.mark.both_databases
def test_what_a_token_ends_with_is_said_where_it_is_made(staff: User) -> None:
    page = text(admin_of(staff).get(f"{LIST}add/"))
    assert "when its user’s password changes" in page
    assert "accounts.sync_sheets" in page
    assert "accounts.view_logs" in page


def test_nobody_makes_one_for_somebody_who_may_more(staff: User) -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    said = make(admin_of(staff), boss)
    assert "Select a valid choice" in said
    assert not ApiToken.objects.exists()
    assert "mt5m_" in make(admin_of(boss), staff)


@pytest.mark.parametrize("typed", [{"days": 0}, {"days": 9999}, {"reach": ["auth.add_user"]}])
def test_what_a_token_cannot_be_is_refused(staff: User, typed: dict[str, object]) -> None:
    make(admin_of(staff), staff, **typed)
    assert not ApiToken.objects.exists()


@pytest.mark.both_databases
def test_it_is_revoked_by_its_user_or_by_a_superuser(staff: User) -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    make(admin_of(boss), boss)
    make(admin_of(staff), staff)
    made = list(ApiToken.objects.values_list("pk", flat=True))
    every = {"action": "revoke", "_selected_action": made}
    admin_of(staff).post(LIST, every)
    assert [token.user for token in ApiToken.objects.exclude(revoked_at=None)] == [staff]
    admin_of(boss).post(LIST, every)
    assert not ApiToken.objects.filter(revoked_at=None).exists()
