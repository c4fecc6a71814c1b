"""One odd row of an agent's list costs itself: the account, its figures and its other rows stay."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Account, Agent, Position
from tests.factories import make_account
from tests.pages.conftest import signed_in
from tests.pages.reading import text
from tests.polling.ticks import poll
from tests.scripted_fleet import ScriptedFleet, told, told_positions

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def with_odd(odd: dict[str, Any]) -> dict[str, Any]:
    positions = told_positions(1, 11, 12, 13)
    positions["positions"][1] |= odd
    return positions


@pytest.fixture
def account(fleet: ScriptedFleet) -> Account:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11, 12, 13)
    poll()
    fleet.positions[1] = with_odd({"volume": float("nan")})
    poll()
    return Account.objects.get()


def test_the_account_stays_fresh_and_counts_the_row_as_open(account: Account) -> None:
    agent = Agent.objects.get()
    assert (agent.status, agent.status_code) == ("online", "")
    assert account.open_positions == 3
    assert account.positions_error == ""
    assert [position.ticket for position in account.positions.all()] == [11, 13]
    (odd,) = account.unreadable
    assert (odd.ticket, odd.symbol) == (12, "EURUSD")
    assert odd.problem == "volume: expected number, got NaN"
    # What a sum with an unknown part is, nothing says.
    assert (account.floating, account.equity) == (None, None)


def test_a_row_that_can_be_read_again_is_a_position_again(
    account: Account, fleet: ScriptedFleet
) -> None:
    fleet.positions[1] = told_positions(1, 11, 12, 13)
    poll()
    account.refresh_from_db()
    assert account.unreadable == []
    assert account.positions.count() == account.open_positions == 3
    assert account.equity is not None


def test_an_account_of_unreadable_rows_alone_is_not_flat(
    account: Account, fleet: ScriptedFleet
) -> None:
    odd = told_positions(1, 12)
    del odd["positions"][0]["symbol"]
    fleet.positions[1] = odd
    poll()
    account.refresh_from_db()
    assert account.open_positions == 1
    assert account.changed_at is not None
    assert account.urgency(account.changed_at).level == "active"


def test_the_page_of_thousands_of_positions_shows_the_oldest_and_links_to_all(
    account: Account,
) -> None:
    viewer = signed_in("accounts.view_account")
    Position.objects.all().delete()
    Position.objects.bulk_create(
        Position(
            account=account,
            ticket=n,
            symbol="EURUSD",
            side="BUY",
            volume=Decimal("0.01"),
            open_price=Decimal("1.1"),
            current_price=Decimal("1.1"),
            profit=0,
            swap=0,
        )
        for n in range(1, 3001)
    )
    page = text(viewer.get("/accounts/1/"))
    assert "The 200 oldest positions are shown, 2800 are not." in page
    assert ('id="position-200"' in page, 'id="position-201"' in page) == (True, False)
    assert len(page) < 500_000
    listed = text(viewer.get("/positions/?account=1&page=30"))
    assert "2901 to 3000 of 3000" in listed
    assert "#position-3000" in listed
    assert "3000 <small>on 1 account</small>" in listed


def test_its_page_names_the_row_and_what_is_wrong(account: Account) -> None:
    viewer = signed_in("accounts.view_account")
    page = text(viewer.get("/accounts/1/"))
    assert "Could not be read: volume: expected number, got NaN" in page
    assert 'id="position-11"' in page
    fleet_page = text(viewer.get("/positions/"))
    assert "#12 EURUSD is open and in no total" in fleet_page
    answer = viewer.get("/api/accounts/1/positions").json()
    assert answer["position_count"] == 3
    assert answer["total_profit"] is None
    assert answer["unreadable"] == [
        {
            "ticket": 12,
            "ticket_text": "12",
            "symbol": "EURUSD",
            "problem": "volume: expected number, got NaN",
        }
    ]


def test_the_positions_page_names_50_unreadable_ones_and_links_their_account() -> None:
    lost = [{"ticket": n, "symbol": "<b>", "problem": "x"} for n in range(1, 101)]
    account = make_account(number=7, server="A", open_positions=100, unreadable_positions=lost)
    make_account(number=7, server="B")
    Account.objects.mark_shared([7])
    page = text(signed_in("accounts.view_account").get("/positions/"))
    assert page.count("is open and in no total") == 50
    assert "So are 50 more." in page
    assert f'<a href="/accounts/7-{account.pk}/">7 (A)</a>: #1 &lt;b&gt; is open' in page
