"""API tokens of one's own: listed, made and revoked without being staff."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import ApiToken
from accounts.signin import mfa_required, proofs
from tests.authenticator import Telephone, sign_in
from tests.factories import make_user
from tests.pages.reading import text, words
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db
VIEW = "accounts.view_account"
MAKE = "accounts.add_apitoken"
TYPED = {"name": "Reports", "days": "30"}


def in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def issue(user: User, name: str = "a script") -> ApiToken:
    return ApiToken.issue(user, name, timedelta(days=1))[0]


def key_of(page: str) -> str:
    found = re.search(r"mt5m_[\w-]{43}", page)
    assert found is not None, page
    return found[0]


def can_read(key: str) -> bool:
    client = Client(headers={"Authorization": f"Bearer {key}"})
    return client.get("/api/accounts").status_code == 200


def test_a_user_sees_their_own_tokens_and_nobody_elses() -> None:
    user = make_user(VIEW)
    mine, other = issue(user, "mine"), issue(make_user(VIEW), "somebody else’s")
    page = words(text(in_as(user).get("/tokens/")))
    assert "mine" in page
    assert mine.start in page
    assert "somebody else" not in page
    assert other.start not in page


def test_a_user_revokes_a_token_and_it_signs_in_no_more(valkey: PrivateValkey) -> None:
    user = make_user(VIEW)
    token, key = ApiToken.issue(user, "lost", timedelta(days=1))
    assert can_read(key)
    answer = in_as(user).post(f"/tokens/{token.pk}/revoke/", follow=True)
    page = words(text(answer))
    assert "The token “lost” is revoked." in page
    assert "You have no valid token." in page
    assert not can_read(key)


@pytest.mark.parametrize("superuser", [False, True])
def test_nobody_revokes_a_token_of_somebody_else_here(superuser: bool) -> None:
    token = issue(make_user(VIEW))
    client = in_as(make_user(VIEW, is_superuser=superuser))
    assert client.post(f"/tokens/{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None


def test_a_token_is_shown_once_and_reaches_as_far_as_was_ticked(valkey: PrivateValkey) -> None:
    client = in_as(make_user(VIEW, "accounts.view_agent", MAKE))
    answer = client.post("/tokens/", TYPED | {"reach": [VIEW]})
    key = key_of(text(answer))
    assert "no-store" in answer.headers["Cache-Control"]
    program = Client(headers={"Authorization": f"Bearer {key}"})
    assert program.get("/api/accounts").status_code == 200
    assert program.get("/api/agents/status").status_code == 403
    page = text(client.get("/tokens/"))
    assert key not in page
    assert "Limited to: view account." in words(page)
    ends = ApiToken.objects.get().expires_at - timezone.now()
    assert timedelta(days=29) < ends <= timedelta(days=30)


def test_making_one_needs_its_permission_and_the_page_says_so() -> None:
    client = in_as(make_user(VIEW))
    assert "You do not have permission to make tokens" in words(text(client.get("/tokens/")))
    assert client.post("/tokens/", TYPED).status_code == 403
    assert not ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "Enter what it is for."),
        ({"days": "0"}, "Days must be a whole number from 1 to 730."),
        ({"days": "731"}, "Days must be a whole number from 1 to 730."),
        ({"days": "soon"}, "Days must be a whole number from 1 to 730."),
        ({"reach": ["trading.trade"]}, "you cannot give a token more than you can"),
        ({"reach": ["auth.change_user"]}, "you cannot give a token more than you can"),
    ],
)
def test_what_a_token_cannot_be_is_said_at_its_field(typed: dict[str, object], said: str) -> None:
    answer = in_as(make_user(VIEW, MAKE)).post("/tokens/", TYPED | typed)
    assert answer.status_code == 422
    assert said in words(text(answer))
    assert not ApiToken.objects.exists()


def test_a_token_proves_what_the_session_has_that_made_it(
    telephone: Telephone, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    user = telephone.set_up(VIEW, MAKE, "trading.trade")
    client = sign_in(user)
    client.post("/login/code/", {"code": telephone.code()})
    key_of(text(client.post("/tokens/", TYPED)))
    token = ApiToken.objects.get()
    assert token.proven_by == "totp"
    assert proofs.stands(user.pk, token.proof)
    page = words(text(client.get("/tokens/")))
    assert "with an authenticator app" in page
    assert "Read only" not in page
    issue(user, "of before")
    page = words(text(client.get("/tokens/")))
    assert "must be made with the second factor that you have now" in page


def test_a_password_alone_makes_a_token_that_reads_once_its_user_needs_more(
    valkey: PrivateValkey, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    user = make_user(VIEW, MAKE)
    key = key_of(text(sign_in(user).post("/tokens/", TYPED)))
    assert ApiToken.objects.get().proven_by == "password"
    user.user_permissions.add(Permission.objects.get(codename="trade"))
    program = Client(headers={"Authorization": f"Bearer {key}"})
    assert program.get("/api/accounts").status_code == 200
    refused = program.post("/api/accounts/1/trade/close", '{"ticket": 1}', "application/json")
    assert (refused.status_code, refused.json()["detail"]) == (403, mfa_required.READS_ONLY)


def test_whoever_is_held_back_makes_no_token(valkey: PrivateValkey, settings: Settings) -> None:
    settings.MFA_REQUIRED = True
    client = sign_in(make_user(VIEW, MAKE, "trading.trade"))
    for answer in (client.get("/tokens/"), client.post("/tokens/", TYPED)):
        assert answer.headers["Location"] == "/security/app/"
    assert not ApiToken.objects.exists()


def test_a_session_that_was_ended_meanwhile_has_made_a_token_that_ended(
    valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attacker's request is under way while the user signs out everywhere."""
    user = make_user(VIEW, MAKE)
    client = sign_in(user)
    cut = ApiToken.cut

    def ended_just_before(token: ApiToken, proof: proofs.Proof) -> str:
        proofs.end_all(user.pk)
        return cut(token, proof)

    monkeypatch.setattr(ApiToken, "cut", ended_just_before)
    assert not can_read(key_of(text(client.post("/tokens/", TYPED))))


def test_a_token_that_a_superuser_made_for_somebody_else_proves_nothing(
    telephone: Telephone, settings: Settings
) -> None:
    settings.MFA_REQUIRED = True
    boss = telephone.set_up(is_staff=True, is_superuser=True)
    client, trader = sign_in(boss), make_user(VIEW, "trading.trade")
    client.post("/login/code/", {"code": telephone.code()})
    for user, made_with in ((trader, "none"), (boss, "totp")):
        client.post("/admin/accounts/apitoken/add/", TYPED | {"user": user.pk})
        assert ApiToken.objects.get(user=user).proven_by == made_with


def test_the_list_costs_the_same_for_any_number_of_tokens(
    settings: Settings, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.MFA_REQUIRED = False
    user = make_user(VIEW)
    client = in_as(user)
    for name in ("one", "two", "three"):
        issue(user, name)
    with django_assert_num_queries(8):
        client.get("/tokens/")
