"""reset_mfa: nobody stays locked out who has lost their second factor."""

import io

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import CommandError, call_command

from tests.authenticator import Telephone, sign_in
from tests.factories import make_user
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db


def test_the_password_alone_signs_in_again_and_sessions_have_ended(
    valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    telephone = Telephone(monkeypatch)
    user = telephone.set_up("accounts.view_account")
    client, out = sign_in(user), io.StringIO()
    client.post("/login/code/", {"code": telephone.code()})
    assert client.get("/").status_code == 200
    call_command("reset_mfa", user.username, stdout=out)
    assert "is removed" in out.getvalue()
    assert not Authenticator.objects.exists()
    assert client.get("/").status_code == 302
    assert sign_in(user).get("/").status_code == 200


def test_it_says_what_it_does_not_find(db: None) -> None:
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("reset_mfa", "nobody")
    user = make_user()
    with pytest.raises(CommandError, match="has no second factor"):
        call_command("reset_mfa", user.username)
