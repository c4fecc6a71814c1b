"""Totals: of fresh readings only, and they say how many those are."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from accounts.fleet import fragments
from accounts.models import Phase
from tests.factories import make_account, make_agent
from tests.pages.reading import text, words

pytestmark = pytest.mark.both_databases


def totals(client: Client, query: str = "") -> str:
    page = text(client.get(f"/{query}"))
    return words(page.split('<section id="totals"')[1].split("</section>")[0].split(">", 1)[1])


def test_counts_phases_connected_and_fresh(viewer: Client) -> None:
    make_account()
    make_account(phase=Phase.objects.get(name="R"))
    make_account(agent=make_agent(status="timeout"))
    make_account(phase=None, connected=False)
    said = totals(viewer)
    assert "Accounts 4 No phase 1 F1 2 R 1" in said
    assert "Connected 2 of 4" in said
    assert "Figures 2 of 4 fresh 2 stale, left out" in said


def test_stale_and_unknown_readings_are_left_out_of_sums(viewer: Client) -> None:
    make_account(balance=Decimal(100), floating=Decimal(-7))
    make_account(balance=Decimal(10), floating=None)
    make_account(balance=None, floating=None)
    make_account(balance=Decimal(5000), floating=Decimal(5000), agent=make_agent(status="error"))
    said = totals(viewer)
    assert "Balance 110.00 of 2 accounts" in said
    assert "Floating -7.00 of 1 accounts" in said


def test_without_a_fresh_reading_a_sum_is_unknown_and_not_zero(viewer: Client) -> None:
    make_account(agent=make_agent(status="error"))
    assert "Balance – of 0 accounts" in totals(viewer)


def test_currencies_are_not_added_to_one_another(viewer: Client) -> None:
    make_account(balance=Decimal(100), currency="USD")
    make_account(balance=Decimal(20), currency="EUR")
    make_account(balance=Decimal(3), currency="")
    assert "Balance 3.00 currency not told 20.00 EUR 100.00 USD" in totals(viewer)


def test_an_untold_currency_counts_with_the_only_one_told(viewer: Client) -> None:
    make_account(balance=Decimal(100), currency="USD")
    make_account(balance=Decimal(3), currency="")
    assert "Balance 103.00 USD of 2 accounts" in totals(viewer)


def test_totals_follow_the_filters_and_not_the_page(viewer: Client, settings: Any) -> None:
    settings.ROWS_PER_PAGE = 1
    for _ in range(3):
        make_account(balance=Decimal(100))
    make_account(balance=Decimal(1), phase=Phase.objects.get(name="R"))
    assert "Balance 300.00" in totals(viewer, "?phase=F1&page=2")


def test_the_fragment_equals_what_the_page_shows(viewer: Client) -> None:
    make_account(agent=make_agent(status="error"))
    make_account(phase=Phase.objects.get(name="R"))
    for query in ("", "phase=R", "q=%00&sort=evil", "phase=F1&sort=-balance"):
        assert fragments.totals(query) in text(viewer.get(f"/?{query}"))
