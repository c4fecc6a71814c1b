"""From a change of a row to the browsers that show it, through the real layer and application."""

from decimal import Decimal

from channels.db import database_sync_to_async as threaded
from django.db import transaction

from accounts import live
from accounts.broadcast import publish_accounts
from accounts.live.hub import Hub
from accounts.models import Account
from tests.factories import make_account
from tests.live.page import Page


def set_balance(account: Account, balance: int) -> None:
    with transaction.atomic():
        Account.objects.filter(pk=account.pk).update(balance=Decimal(balance))
        publish_accounts([account.number])


async def test_a_changed_row_reaches_the_browser_that_shows_it(hub: Hub, session: str) -> None:
    account = await threaded(make_account)()
    async with Page(session) as page:
        hello = await page.get("hello")
        assert (hello["epoch"], hello["seq"]) == live.mark()
        await page.settled(account.number)
        await threaded(set_balance)(account, 123_456)
        rows = await page.get("rows")
    assert rows["rows"].keys() == {str(account.number)}
    assert "123,456" in rows["rows"][str(account.number)]
