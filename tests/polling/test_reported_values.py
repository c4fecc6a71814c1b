"""What agents tell, whatever it is, comes back from the database as it was told, or is an error."""

import json
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.fleet.rows import account_row
from accounts.models import Account, Agent
from accounts.polling import poller
from tests.polling.conftest import Published
from tests.polling.ticks import make_due, poll, writes
from tests.scripted_fleet import ScriptedFleet, told, told_positions

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.mark.parametrize(
    ("account", "position"),
    [
        ({"balance": 9_999_999_999_999.99}, {"profit": -9_876_543_210_987.65}),
        ({"balance": 1e13}, {"swap": -9_999_999_999_999.99}),
        ({"initial_balance": 1e13}, {"open_price": 12_345_678.12345678, "sl": 1e-8}),
        ({"balance": -1e13}, {"current_price": 99_999_999_999.12345678, "volume": 1e9}),
        ({"balance": 0.1 + 0.2}, {"volume": 0.1 + 0.2, "tp": 1.1 + 2.2}),
        ({"balance": 0.05132412}, {"volume": 0.00004, "profit": -1e-8, "swap": 0.12345678}),
        ({"balance": 9_999_999_999_999.12345678}, {"volume": 999_999_999.12345678, "sl": 1.1e-11}),
        ({"balance": 98_765_432.10987654}, {"open_price": 48_231.450000000004, "tp": 1.2345e-8}),
        ({"balance": 12_345_678.12345678}, {"volume": 1e-8, "sl": 0.123456789012, "swap": 1e-8}),
    ],
)
def test_figures_of_any_size_come_back_from_the_database_as_they_were_told(
    fleet: ScriptedFleet, published: Published, account: dict[str, Any], position: dict[str, Any]
) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True, **account)
    fleet.positions[1] = told_positions(1, 11, **position)
    poll()
    published.__init__()  # type: ignore[misc]
    make_due()
    with CaptureQueriesContext(connection) as queries:
        poller.poll_due(reachable=True)
    assert [line for line in writes(queries) if "accounts_agent" not in line] == []
    assert published.numbers == []
    assert Agent.objects.get().status_code == ""


@pytest.mark.parametrize("figure", [1e30, 1e13 + 1, -1e15, "NaN", "Infinity", "1e400", "1"])
def test_a_figure_that_no_account_can_have_is_an_error_that_names_it(
    fleet: ScriptedFleet, figure: Any
) -> None:
    fleet.make_agents(1)
    poll()
    body = json.dumps(told(1, balance="FIGURE"))
    said = '"1"' if figure == "1" else str(figure)
    fleet.replies[1] = body.replace('"FIGURE"', said).encode()
    poll()
    agent = Agent.objects.get()
    assert (agent.status, agent.status_code) == ("error", "malformed")
    assert "balance" in agent.status_reason
    assert Account.objects.get().balance == 100000


def test_texts_that_a_database_refuses_or_a_page_should_not_show_are_cleaned(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    nasty = "A\x00na\u202e <b> \u2066Ruiz" + "x" * 500
    fleet.replies[1] = told(
        1, account_name=nasty, account_holder=nasty, prop_firm=nasty, has_open_position=True
    )
    fleet.positions[1] = told_positions(1, 11, symbol=nasty)
    poll()
    account = Account.objects.get()
    for text in (account.name, account.holder, account.firm and account.firm.name):
        assert text
        assert text.startswith("Ana <b> Ruizxxx")
        assert text.isprintable()
    assert account.positions.get().symbol.isprintable()


@pytest.mark.parametrize("seed", range(3))
def test_any_figures_come_back_as_they_were_told(fleet: ScriptedFleet, seed: int) -> None:
    """Forty positions of figures as fine and as large as they come, read twice."""
    random = Random(seed)  # noqa: S311

    def figure(most: int) -> float:
        return random.choice((1, -1)) * random.random() * 10 ** random.randint(-12, most)

    rows = told_positions(1, *range(1, 41))
    for row in rows["positions"]:
        row |= {name: figure(13) for name in ("profit", "swap", "commission")}
        row |= {name: figure(11) for name in ("open_price", "current_price", "sl", "tp")}
        row["volume"] = max(abs(figure(9)), 1e-8)
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True, balance=figure(13))
    fleet.positions[1] = rows
    poll()
    assert Account.objects.get().positions.count() == 40
    make_due()
    with CaptureQueriesContext(connection) as queries:
        poller.poll_due(reachable=True)
    assert [line for line in writes(queries) if "accounts_agent" not in line] == []


def test_an_account_in_bitcoin_keeps_its_money(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, balance=0.05132412, initial_balance=0.05, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11, volume=0.00004, profit=-0.00001, swap=0)
    poll()
    account = Account.objects.get()
    assert str(account.balance) == "0.05132412"
    assert str(account.initial_balance) == "0.05"
    assert str(account.pl_now) == "0.00132412"
    assert (account.equity, account.floating) == (Decimal("0.05131412"), Decimal("-0.00001"))
    assert account.money_places == 8
    assert account.positions.get().volume == Decimal("0.00004")
    row = account_row(account, timezone.now())
    assert (row["balance"], row["floating"]) == ("0.05132412", "-0.00001000")
    assert (row["pl"], row["pl_value"]) == ("+0.00132412", "0.00132412")
    assert str(account.positions.get()) == "BUY 0.00004 EURUSD #11"


def test_an_account_in_dollars_shows_cents(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, balance=10000)
    poll()
    account = Account.objects.get()
    assert str(account.balance) == "10000.00"
    row = account_row(account, timezone.now())
    assert (row["balance"], row["balance_value"]) == ("10,000.00", "10000.00")


def test_half_a_surrogate_is_no_text_and_named(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = json.dumps(told(1, account_name="\ud800")).encode()
    poll()
    assert Agent.objects.get().status_code == "not-json"
    assert not Account.objects.exists()
