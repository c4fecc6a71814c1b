"""Users in the admin: who may edit them gives nobody a right, least of all themselves."""

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.test import Client

from accounts.signin import rate_limit
from tests.authenticator import Telephone
from tests.factories import make_user
from tests.valkey import PrivateValkey

MANAGER = tuple(
    f"auth.{verb}_{what}" for verb in ("view", "change", "delete") for what in ("user", "group")
)
OLD = "an-old-secret"
EVERYTHING = {"is_staff": "on", "is_active": "on", "is_superuser": "on", "name": "desk"}
JOINED = {"date_joined_0": "2026-01-01", "date_joined_1": "10:00"}


@pytest.fixture
def manager(db: None) -> User:
    return make_user(*MANAGER, is_staff=True)


@pytest.fixture
def client(manager: User) -> Client:
    client = Client()
    client.force_login(manager)
    return client


@pytest.mark.both_databases
def test_whoever_may_edit_users_gives_no_right(client: Client, manager: User) -> None:
    other, group = make_user(), Group.objects.create(name="desk")
    right = Permission.objects.get(codename="change_vs").pk
    rights = {**EVERYTHING, **JOINED, "user_permissions": right, "permissions": right}
    rights["groups"] = group.pk
    for user in (manager, other):
        sent = {**rights, "username": user.username, "first_name": "Ana"}
        client.post(f"/admin/auth/user/{user.pk}/change/", sent)
        user = User.objects.get(pk=user.pk)
        assert (user.first_name, user.is_superuser, user.groups.count()) == ("Ana", False, 0)
        assert not user.has_perm("accounts.change_vs")
    client.post(f"/admin/auth/group/{group.pk}/change/", rights | {"name": "renamed"})
    group.refresh_from_db()
    assert (group.name, group.permissions.count()) == ("renamed", 0)


@pytest.mark.both_databases
def test_whoever_may_edit_users_does_not_touch_a_superuser(client: Client) -> None:
    boss = make_user(is_staff=True, is_superuser=True)
    page = f"/admin/auth/user/{boss.pk}"
    words = {"password1": "another-secret", "password2": "another-secret"}
    assert client.post(f"{page}/password/", {**words, "usable_password": "true"}).status_code == 403
    assert client.post(f"{page}/change/", {"username": "gone"}).status_code == 403
    assert client.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": boss.pk, "post": "yes"}
    client.post("/admin/auth/user/", sent)
    assert User.objects.get(pk=boss.pk).check_password("secret-words")


@pytest.mark.parametrize("is_active", [True, False])
def test_nobody_sets_the_password_of_somebody_who_may_more(
    client: Client, boss: Client, is_active: bool
) -> None:
    """Or would sign in as them, and set up the second factor that is asked for."""
    trader, peer = make_user("trading.trade", is_active=is_active), make_user("auth.view_user")
    words = {
        "password1": "another-secret",
        "password2": "another-secret",
        "usable_password": "true",
    }
    for who, user, status in ((client, trader, 403), (client, peer, 302), (boss, trader, 302)):
        answer = who.post(f"/admin/auth/user/{user.pk}/password/", words)
        assert answer.status_code == status
        user.refresh_from_db()
        assert user.check_password("another-secret") is (status == 302)


@pytest.mark.both_databases
def test_a_superuser_gives_rights(boss: Client) -> None:
    user = make_user()
    sent = {**EVERYTHING, **JOINED, "username": user.username}
    sent["user_permissions"] = Permission.objects.get(codename="change_vs").pk
    boss.post(f"/admin/auth/user/{user.pk}/change/", sent)
    user = User.objects.get(pk=user.pk)
    assert user.is_superuser
    assert user.user_permissions.count() == 1


def test_superusers_alone_remove_a_second_factor_and_that_is_kept(
    client: Client, boss: Client, valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = Telephone(monkeypatch).set_up("accounts.view_account")
    sent = {"action": "remove_second_factor", "_selected_action": [user.pk], "index": "0"}
    client.post("/admin/auth/user/", sent)
    assert Authenticator.objects.filter(user=user).exists()
    boss.post("/admin/auth/user/", sent)
    assert not Authenticator.objects.filter(user=user).exists()
    entry = LogEntry.objects.get(object_id=str(user.pk))
    assert "second factor removed" in entry.get_change_message()


def test_second_factors_have_no_page_of_their_own_in_the_admin(boss: Client) -> None:
    for page in ("mfa/authenticator", "account/emailaddress"):
        assert boss.get(f"/admin/{page}/").status_code == 404


@pytest.mark.usefixtures("one_minute")
def test_an_old_password_that_is_tried_is_an_attempt_to_sign_in(
    client: Client, manager: User, valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever found a desk's browser open guesses no password."""
    monkeypatch.setattr(rate_limit, "KNOWN_PER_HOUR", 3)
    manager.set_password(OLD)
    manager.save(update_fields=["password"])
    client.force_login(manager)
    page = "/security/password/"
    assert client.get("/admin/password_change/").headers["Location"] == page
    new = {"new": "rain-on-a-tin-roof", "again": "rain-on-a-tin-roof"}
    for guess in range(3):
        assert client.post(page, {"password": f"guess-{guess}", **new}).status_code == 200
    refused = client.post(page, {"password": OLD, **new}, follow=True)
    assert rate_limit.TOO_OFTEN_FROM_HERE in refused.content.decode()
    valkey.empty()
    assert client.post(page, {"password": OLD, **new}).status_code == 302
    manager.refresh_from_db()
    assert manager.check_password("rain-on-a-tin-roof")
