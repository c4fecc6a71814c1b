"""Requests that no page of ours sends are answered, never with an error of the server."""

import pytest
from django.test import Client

from accounts.models import Account, VSGroup
from tests.factories import make_account, make_firm, make_user
from tests.valkey import PrivateValkey

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("page", ["http://[x", "http://x//evil.example/", "javascript:alert(1)"])
def test_a_script_that_was_on_no_page_is_sent_to_sign_in(page: str) -> None:
    answer = Client().get("/login/", headers={"HX-Request": "true", "HX-Current-URL": page})
    assert answer.headers["HX-Redirect"].startswith("/login/?next=")


@pytest.mark.parametrize(
    "next_page", ["//evil.example/", "https://evil.example/", "/\\evil.example"]
)
def test_nobody_is_sent_away_after_signing_in(next_page: str, valkey: PrivateValkey) -> None:
    sent = {"username": make_user().username, "password": "secret-words", "next": next_page}
    assert Client().post("/login/", sent).headers["Location"] == "/"


@pytest.mark.parametrize("name", ["a\u202eb", "a\x07b", "a\u200bb", "a\u2066b"])
def test_the_name_of_a_vs_group_holds_nothing_that_cannot_be_seen(boss: Client, name: str) -> None:
    account = make_account()
    answer = boss.post(f"/accounts/{account.number}/vs/", {"vs": name})
    assert "cannot be shown" in answer.content.decode()
    assert not VSGroup.objects.exists()


@pytest.mark.parametrize("firm", ["9" * 40, "9" * 5000, "-1", "x", "²"])
def test_a_firm_that_cannot_be_is_told_so(boss: Client, firm: str) -> None:
    account = make_account(firm=make_firm())
    sent = {"action": "set_firm", "_selected_action": account.pk, "index": "0", "firm": firm}
    page = boss.post("/admin/accounts/account/", sent, follow=True).content.decode()
    assert "That firm was deleted meanwhile." in page
    assert Account.objects.get().firm == account.firm


def test_the_list_of_agents_cannot_be_filtered_by_their_secrets(boss: Client) -> None:
    for query in ("secret_encrypted__startswith=g", "secret_encrypted__isnull=0"):
        assert boss.get(f"/admin/accounts/agent/?{query}").status_code == 400


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:8000@evil.example", "a b"])
def test_another_host_is_no_site_of_ours(host: str) -> None:
    assert Client(headers={"Host": host}).get("/login/").status_code == 400


def test_what_a_client_says_of_a_proxy_is_not_believed() -> None:
    claims = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"}
    answer = Client(headers=claims).get("/")
    assert answer.headers["Location"] == "/login/?next=/"
    assert "Strict-Transport-Security" not in answer.headers
