"""manage.py sync_history, at real agents."""

import io

import pytest
from django.core.management import CommandError, call_command

from tests.trading.desk import Desk
from trading.models import ClosedTrade

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = io.StringIO()
    call_command("sync_history", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.both_databases
def test_it_reads_all_accounts_and_says_what_came(desk: Desk) -> None:
    text = said()
    for account in desk.accounts.values():
        count = ClosedTrade.objects.filter(account=account).count()
        assert f"{count} closed trades" in text
        assert f"{account.number}: New or changed:" in text
    assert text.endswith("2 accounts read.\n")
    assert said("--whole").count("Nothing new.") == 4


@pytest.mark.both_databases
def test_it_reads_those_that_are_named_and_fails_when_one_of_them_does(desk: Desk) -> None:
    number = desk.accounts["1"].number
    assert said(str(number)).endswith("1 account read.\n")
    desk.venue.steer("1", state="down")
    with pytest.raises(CommandError, match="1 of 1 accounts failed") as error:
        said(str(number))
    assert error.value.returncode == 1
    with pytest.raises(CommandError, match="There is no account 42."):
        said("42", str(number))
