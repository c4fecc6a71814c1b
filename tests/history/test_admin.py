"""Deals and closed trades in the admin: read there, and gone with their account."""

import pytest
from django.test import Client

from accounts.models import Account
from tests.factories import make_account, make_deal, make_trade, make_user
from trading.models import ClosedTrade, Deal

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
ACCOUNTS = "/admin/accounts/account/"


@pytest.fixture
def boss(db: None) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize("model", ["closedtrade", "deal"])
def test_they_are_listed_and_found_by_account(boss: Client, model: str) -> None:
    account = make_account()
    make_trade(account, symbol="EURUSD")
    make_deal(account, symbol="EURUSD")
    page = f"/admin/trading/{model}/"
    assert str(account.number) in boss.get(f"{page}?q={account.number}").content.decode()
    assert str(account.number) not in boss.get(f"{page}?q=nothing").content.decode()
    assert boss.get(f"{page}?q=99999999999999999999999").status_code == 200
    row = (ClosedTrade if model == "closedtrade" else Deal).objects.get()
    assert boss.get(f"{page}{row.pk}/change/").status_code == 200
    assert boss.post(f"{page}{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_an_account_is_deleted_with_its_history_counted_and_not_listed(
    boss: Client,
) -> None:
    account = make_account()
    for _ in range(3):
        make_trade(account, symbol="LISTED")
        make_deal(account)
    asked = boss.get(f"{ACCOUNTS}{account.pk}/delete/").content.decode()
    assert "LISTED" not in asked
    assert "closed trades" in asked.lower()
    boss.post(f"{ACCOUNTS}{account.pk}/delete/", {"post": "yes"})
    assert not Account.objects.exists()
    assert not ClosedTrade.objects.exists()
    another = make_account()
    make_deal(another)
    sent = {"action": "delete_selected", "_selected_action": another.pk, "post": "yes"}
    boss.post(ACCOUNTS, sent)
    assert not Deal.objects.exists()
