"""Fragments: what the socket brings is what the page shows, in a known number of queries."""

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.fleet import fragments
from accounts.models import Account, Conflict
from tests.factories import make_account, make_agent, make_position
from tests.pages.reading import text
from tests.valkey import PrivateValkey


def test_rows_equal_those_of_the_page(viewer: Client) -> None:
    accounts = [make_account(holder="<b>Ana</b>"), make_account(agent=make_agent()), make_account()]
    agent = accounts[0].agent
    assert agent is not None
    kind, now = "other-login", timezone.now()
    Conflict.objects.create(agent=agent, number=4, kind=kind, since=now)
    page = text(viewer.get("/"))
    rows = fragments.account_rows([account.number for account in accounts])
    assert list(rows) == [account.number for account in accounts]
    for row in rows.values():
        assert row in page


def test_rows_take_one_query_however_many(
    db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    accounts = [make_account() for _ in range(20)]
    with django_assert_num_queries(1):
        rows = fragments.account_rows({account.number for account in accounts} | {404})
    assert len(rows) == 20


@pytest.mark.usefixtures("valkey")
def test_agent_rows_equal_those_of_the_page_in_two_queries(
    viewer: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    agents = [make_agent(name=f"vps-{n}", failures=n) for n in range(3)]
    make_account(agent=agents[1])
    page = text(viewer.get("/agents/"))
    with django_assert_num_queries(2):
        rows = fragments.agent_rows([agent.pk for agent in agents] + [0])
    assert len(rows) == 3
    for row in rows.values():
        assert row in page


def test_the_panel_equals_that_of_the_page(viewer: Client, valkey: PrivateValkey) -> None:
    account = make_account(open_positions=1)
    make_position(account)
    page = text(viewer.get(f"/accounts/{account.number}/"))
    assert fragments.account_panel(account.number) in page


def test_a_panel_of_nobody_is_an_error(db: None) -> None:
    with pytest.raises(Account.DoesNotExist):
        fragments.account_panel(404)


def test_agents_without_valkey_are_still_shown(viewer: Client, settings: object) -> None:
    make_agent(name="vps-x")
    assert "vps-x" in next(iter(fragments.agent_rows([make_agent(name="vps-x2").pk]).values()))
