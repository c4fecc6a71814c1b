"""Sums of decimal columns are those of the decimals, on every database."""

from decimal import Decimal
from random import Random

import pytest

from accounts.models import Account
from mt5monitor.sums import ExactSum
from tests.factories import make_account

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.mark.parametrize(
    "values",
    [
        ["-2.80"] * 33,
        ["0.05132412", "0.00000001", "-0.05132412"],
        ["9876543.12345678", "-9876543.12345677"],
        ["9999999999999.99", "0.01"],
    ],
)
def test_a_sum_has_no_noise(values: list[str]) -> None:
    for value in values:
        make_account(balance=Decimal(value))
    total = Account.objects.aggregate(total=ExactSum("balance"))["total"]
    assert total == sum(map(Decimal, values))


def test_the_sum_of_many_fleets_of_cents_is_in_cents() -> None:
    random = Random(7)  # noqa: S311
    values = [Decimal(random.randrange(10**9)) / 100 for _ in range(200)]
    agent = make_account().agent
    Account.objects.all().delete()
    Account.objects.bulk_create(
        Account(number=n, agent=agent, balance=value) for n, value in enumerate(values, 1)
    )
    assert Account.objects.aggregate(total=ExactSum("balance"))["total"] == sum(values)


def test_of_nothing_there_is_no_sum() -> None:
    assert Account.objects.aggregate(total=ExactSum("balance"))["total"] is None
