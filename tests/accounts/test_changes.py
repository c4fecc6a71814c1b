"""Writing only what differs."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.changes import differing, write_changes
from accounts.models import Account
from tests.factories import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_equal_values_of_other_scale_do_not_differ() -> None:
    account = make_account(balance=Decimal("5.00"))
    assert differing(account, {"balance": Decimal(5), "name": "new"}) == {"name": "new"}


def test_one_statement_a_set_of_columns_however_many_rows() -> None:
    accounts = [make_account() for _ in range(50)]
    changes = [(account.pk, {"balance": Decimal(account.pk)}) for account in accounts[:40]]
    changes += [(account.pk, {"name": "N", "server": "S"}) for account in accounts[40:]]
    with CaptureQueriesContext(connection) as queries:
        assert write_changes(Account, changes) == 2
    assert len(queries) == 2
    account = accounts[0]
    account.refresh_from_db()
    assert account.balance == account.pk
    assert Account.objects.filter(name="N", server="S", balance=100000).count() == 10


def test_no_changes_are_no_statements() -> None:
    account = make_account()
    with CaptureQueriesContext(connection) as queries:
        assert write_changes(Account, [(account.pk, {})]) == 0
    assert not [query for query in queries if query["sql"].startswith("UPDATE")]


def test_a_name_that_is_no_column_is_an_error() -> None:
    account = make_account()
    with pytest.raises(TypeError, match="positions is no column"):
        write_changes(Account, [(account.pk, {"positions": 1})])
