"""One form that closes positions of several accounts: each is asked for once."""

import pytest

from tests.factories import make_account, make_position, make_user
from trading import closing
from trading.models import Order

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_two_brokers_that_give_the_same_ticket_have_both_positions_closed() -> None:
    user = make_user("trading.trade")
    accounts = [make_account(server=server) for server in ("Alpha", "Beta")]
    for account in accounts:
        make_position(account, ticket=77)
    for _ in range(2):  # the same form twice
        for account in accounts:
            closing.close_account(account, user, [77], "form")
    asked = Order.objects.values_list("account", "position").order_by("account")
    assert list(asked) == [(account.pk, 77) for account in accounts]
