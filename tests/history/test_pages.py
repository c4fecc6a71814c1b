"""The page of an account's history: what it shows, to whom, and with how many queries."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account
from tests.exports.files import csv_rows
from tests.factories import make_account, make_deal, make_trade, make_user
from tests.trading.desk import Desk
from trading.models import ClosedTrade, EquityPoint, HistorySync

pytestmark = pytest.mark.django_db
D = Decimal
DAY = timedelta(days=1)


@pytest.fixture
def account(db: None) -> Account:
    return make_account(number=4711, balance=D(100_000))


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    return client


def page(viewer: Client, query: str = "") -> str:
    answer = viewer.get(f"/accounts/4711/history/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def shown(viewer: Client, query: str = "") -> list[int]:
    """The positions of the table."""
    return [int(number) for number in re.findall(r't-position">(\d+)<', page(viewer, query))]


def figure(html: str, name: str) -> str:
    found = re.search(rf"<dt[^>]*>{name}</dt>\s*<dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    assert found, name
    return re.sub("<[^>]+>", "", found[1]).strip()


def told_by_contract_1(account: Account, **columns: Any) -> ClosedTrade:
    told = {"contract": "1", "closed_at": None, "opened_at": None, "swap": None, "fee": None}
    told |= {"closed_told": "2026-03-04T10:07:31", "opened_told": "", "volume_opened": None}
    guess = datetime(2026, 3, 4, 10, 7, 31, tzinfo=UTC)
    return make_trade(account, **{**told, "closed_at_or_guess": guess, "reason": "", **columns})


def test_an_account_of_which_nothing_was_read_says_so(account: Account, viewer: Client) -> None:
    html = page(viewer)
    assert "its history was not read yet" in html
    assert "Nothing is known of this time." in html
    assert "Not read wholly yet" in html
    HistorySync.objects.create(account=account, synced_at=timezone.now())
    assert "This account has not closed a trade yet." in page(viewer)


def test_a_history_that_does_not_explain_the_balance_says_so_where_it_is_shown(
    account: Account, viewer: Client
) -> None:
    now = timezone.now()
    sync = HistorySync.objects.create(
        account=account, synced_at=now, contract="2", unexplained=D("10009.30"), again_at=now
    )
    html = page(viewer)
    assert "This history does not explain +10,009.30 of the balance: deals are missing." in html
    assert f"It is read again at {now:%H:%M} UTC." in html
    assert "The agent reports no closed trade, which the balance contradicts." in html
    assert "has not closed a trade yet" not in html
    EquityPoint.objects.create(account=account, at=now - DAY / 9, quarter=0, balance=D(5))
    assert "do not add up to it (+10,009.30 is not explained)" in page(viewer)
    make_trade(account)
    address = reverse("trades-csv", args=[4711])
    assert "trades-4711-incomplete" in viewer.get(address)["Content-Disposition"]
    assert csv_rows(viewer, address)[0]["History"] == "incomplete: 10009.30 not explained"
    HistorySync.objects.filter(pk=sync.pk).update(unexplained=D(0))
    assert "does not explain" not in page(viewer)


def test_an_empty_history_that_cannot_be_checked_is_not_called_empty(
    account: Account, viewer: Client
) -> None:
    HistorySync.objects.create(account=account, synced_at=timezone.now(), contract="1")
    html = page(viewer)
    assert "That cannot be checked: the initial balance is not known." in html
    assert "has not closed a trade yet" not in html


def test_times_that_are_not_proven_are_marked(account: Account, viewer: Client) -> None:
    make_trade(account, times_uncertain=True)
    html = page(viewer)
    assert "1 trade has its time uncertain by an hour." in html
    assert "Uncertain by an hour: the broker's clock on that day is not proven" in html


def test_costs_of_the_account_are_told_apart_from_those_of_trades(
    account: Account, viewer: Client
) -> None:
    make_trade(account)
    make_deal(account, type="COMMISSION_MONTHLY", profit=D(-20))
    make_deal(account, type="COMMISSION", profit=D(-3), position_id=7)
    html = page(viewer)
    assert "Costs of the account that belong to no trade, -20.00," in html
    assert "-3.00" not in html


def test_the_account_leads_to_its_history_and_back(account: Account, viewer: Client) -> None:
    assert 'href="/accounts/4711/history/"' in viewer.get("/accounts/4711/").content.decode()
    assert 'href="/accounts/4711/"' in page(viewer)


def test_a_failure_is_shown_with_its_reason_and_since_when(
    account: Account, viewer: Client
) -> None:
    since = datetime(2026, 3, 4, 10, 7, tzinfo=UTC)
    HistorySync.objects.create(account=account, failing_since=since, reason="<b>No answer.</b>")
    html = page(viewer)
    assert "could not be read since 4 Mar 10:07 UTC: &lt;b&gt;No answer.&lt;/b&gt;" in html


@pytest.mark.both_databases
def test_sums_and_statistics_are_of_what_was_realised(account: Account, viewer: Client) -> None:
    Account.objects.update(floating=D("-7.50"))
    today, before = timezone.now(), timezone.now() - 2 * DAY
    make_trade(account, profit=D(30), commission=D(-5), net=D(25), closed_at=today)
    make_trade(account, profit=D(20), swap=D(-1), net=D(19), closed_at=before)
    make_trade(account, profit=D(-10), fee=D(-1), net=D(-11), closed_at=before)
    make_trade(account, profit=D(0), closed_at=before)
    html = page(viewer)
    assert figure(html, "Realised, net") == "+33.00"
    assert figure(html, "Profit") == "+40.00"
    assert figure(html, "Swap") == "-1.00"
    assert figure(html, "Commission and fee") == "-6.00"
    assert figure(html, "Closed trades") == "4 2 won, 1 lost, 1 even"
    assert figure(html, "Win rate") == "50.0%"
    assert figure(html, "Profit factor") == "4.00"
    assert figure(html, "Average win, loss") == "+22.00 -11.00"
    assert figure(html, "Best day").startswith("+25.00")
    assert figure(html, "Worst day").startswith("+8.00")
    assert "Floating now, of open positions and in none of this: -7.50." in html


@pytest.mark.both_databases
def test_what_is_not_known_is_never_a_zero(account: Account, viewer: Client) -> None:
    told_by_contract_1(account, commission=None)
    html = page(viewer)
    assert figure(html, "Swap") == "–"
    assert figure(html, "Commission") == "–"
    assert figure(html, "Profit factor") == "–"
    assert "Swap and fee of 1 trade are not told and so in no sum." in html
    assert "1 trade has its time by the terminal's clock." in html
    assert 'in no known zone">2026-03-04 10:07*</abbr>' in html


def test_the_part_of_an_open_position_is_in_the_sums_and_not_among_wins(
    account: Account, viewer: Client
) -> None:
    make_trade(account, profit=D(30), is_open=True, volume_opened=D("0.30"))
    html = page(viewer)
    assert figure(html, "Realised, net") == "+30.00"
    assert figure(html, "Closed trades") == "0 0 won, 0 lost"
    assert figure(html, "Win rate") == "–"
    assert "1 position is part open: what was realised of it, +30.00, is in the sums" in html
    assert "of 0.3, open" in html


@pytest.mark.both_databases
def test_trades_are_found_by_symbol_side_result_and_day(account: Account, viewer: Client) -> None:
    day = datetime(2026, 3, 4, 23, 59, 59, tzinfo=UTC)
    gold = make_trade(account, symbol="GOLD", side="SELL", profit=D(-5), closed_at=day)
    euro = make_trade(account, closed_at=day + timedelta(seconds=1))
    part = make_trade(account, is_open=True, closed_at=day - DAY)
    make_trade(make_account())
    everything = [euro.position_id, gold.position_id, part.position_id]
    assert shown(viewer) == everything
    for query, wanted in {
        "symbol=GOLD": [gold],
        "side=BUY": [euro, part],
        "result=won": [euro],
        "result=lost": [gold],
        "result=part": [part],
        "from=2026-03-04": [euro, gold],
        "to=2026-03-04": [gold, part],
        "from=2026-03-04&to=2026-03-04": [gold],
        "side=BUY&from=2026-03-05": [euro],
        "symbol=SILVER": [],
    }.items():
        assert shown(viewer, f"?{query}") == [one.position_id for one in wanted], query
    assert "No closed trade fits these filters." in page(viewer, "?symbol=SILVER")
    for problem in ("side=UP", "result=x", "range=century", "from=nonsense", "to=9999-12-31"):
        html = page(viewer, f"?{problem}")
        assert 'class="notice bad" role="alert"' in html, problem
        assert shown(viewer, f"?{problem}") == everything


@pytest.mark.both_databases
def test_days_are_those_of_the_desks_time_zone(
    account: Account, viewer: Client, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    late = make_trade(account, closed_at=datetime(2026, 3, 5, 3, 0, tzinfo=UTC))
    assert shown(viewer, "?from=2026-03-04&to=2026-03-04") == [late.position_id]
    html = page(viewer, "?to=2026-03-04")
    assert "4 Mar: +10.00, 1 trade" in html
    assert "America/New_York" in html


@pytest.mark.both_databases
def test_trades_come_in_pages(account: Account, viewer: Client, settings: Settings) -> None:
    settings.ROWS_PER_PAGE = 2
    now = timezone.now()
    numbers = [make_trade(account, closed_at=now - n * DAY).position_id for n in range(5)]
    assert shown(viewer) == numbers[:2]
    assert shown(viewer, "?page=3") == numbers[4:]
    html = page(viewer, "?page=2&side=BUY")
    assert "3 to 4 of 5" in html
    assert "?side=BUY&amp;page=3" in html


def test_deposits_are_told_apart_from_trades(account: Account, viewer: Client) -> None:
    make_deal(account, comment="<i>in</i>")
    make_deal(account, profit=D(-250), comment="out")
    make_deal(account, type="COMMISSION_DAILY", profit=D(-3))
    html = page(viewer)
    for text in ("Deposit", "&lt;i&gt;in&lt;/i&gt;", "Withdrawal", "Commission daily", "-250.00"):
        assert text in html, text


def test_the_page_takes_the_same_queries_whatever_there_is(
    account: Account, viewer: Client
) -> None:
    make_trade(account)
    make_deal(account)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as seen:
            page(viewer, "?range=week")
        counts.append(len(seen))
        for n in range(20):
            make_trade(account, symbol=f"S{n}")
            make_deal(account, profit=D(0))
            at = timezone.now() - n * DAY / 10
            EquityPoint.objects.create(account=account, at=at, quarter=0, equity=D(n), balance=None)
    assert counts == [21, 21]


def test_history_is_read_at_a_click(desk: Desk, viewer: Client) -> None:
    number = desk.accounts["2"].number
    answer = viewer.post(f"/accounts/{number}/history/sync/", follow=True)
    assert answer.redirect_chain == [(f"/accounts/{number}/history/", 302)]
    count = ClosedTrade.objects.count()
    assert count
    assert f"{count} closed trades." in answer.content.decode()
    desk.venue.steer("2", state="down")
    html = viewer.post(f"/accounts/{number}/history/sync/", follow=True).content.decode()
    assert 'class="toast bad"' in html
    assert "The history could not be read since" in html


@pytest.fixture(autouse=True)
def _forgets_the_zone() -> Iterator[None]:
    yield
    timezone.deactivate()
