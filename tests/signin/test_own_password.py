"""A password of one's own, changed without being staff."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.models import ApiToken
from tests.authenticator import PASSWORD, Telephone, is_in, sign_in
from tests.factories import make_user
from tests.pages.reading import text, words
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
PAGE = "/security/password/"
NEW = "rain-on-a-tin-roof"
TYPED = {"password": PASSWORD, "new": NEW, "again": NEW}
VIEW = "accounts.view_account"


def has_password(user: User, password: str) -> bool:
    return User.objects.get(pk=user.pk).check_password(password)


def test_it_is_changed_and_other_sessions_and_tokens_end(valkey: PrivateValkey) -> None:
    user = make_user(VIEW)
    client, other = sign_in(user), sign_in(user)
    key = ApiToken.issue(user, "a script", timedelta(days=1))[1]
    program = Client(headers={"Authorization": f"Bearer {key}"})
    assert program.get("/api/accounts").status_code == 200
    page = words(text(client.post(PAGE, TYPED, follow=True)))
    assert "Your password is changed. Your other sessions and your API tokens have ended." in page
    assert (is_in(client), is_in(other), is_in(sign_in(user))) == (True, False, False)
    assert program.get("/api/accounts").status_code == 401
    assert has_password(user, NEW)


WRONG = {
    "the present one": ({"password": "guess"}, "The password is wrong."),
    "not the same twice": ({"again": "something else"}, "not the same as the new password"),
    "too short": ({"new": "short", "again": "short"}, "This password is too short."),
    "a common one": ({"new": "1234567890", "again": "1234567890"}, "too common"),
    "none": ({"new": "", "again": ""}, "Enter the new password."),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_is_said_and_nothing_changes(valkey: PrivateValkey, what: str) -> None:
    typed, said = WRONG[what]
    user = make_user(VIEW)
    client = sign_in(user)
    assert said in words(text(client.post(PAGE, TYPED | typed)))
    assert has_password(user, PASSWORD)
    assert is_in(client)


def test_who_has_a_second_factor_shows_it_as_well(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.code()})
    telephone.later()
    assert "Enter the code." in text(client.post(PAGE, TYPED))
    assert "code is wrong" in text(client.post(PAGE, TYPED | {"code": "000000"}))
    assert has_password(user, PASSWORD)
    assert client.post(PAGE, TYPED | {"code": telephone.code()}).status_code == 302
    assert has_password(user, NEW)


def test_the_page_of_the_admin_changes_nothing_and_leads_to_this_one(
    telephone: Telephone,
) -> None:
    """It asked for no code: whoever found a browser signed in needed the password alone."""
    user = telephone.set_up(is_staff=True)
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.code()})
    typed = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    answer = client.post("/admin/password_change/", typed)
    assert answer.headers["Location"] == PAGE
    assert has_password(user, PASSWORD)
