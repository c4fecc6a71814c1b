"""What agents tell, whatever it is, comes back from the database as it was told, or is an error."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import polling
from accounts.models import Account, Agent
from tests.accounts.conftest import Published
from tests.accounts.fleet import ScriptedFleet, told, told_positions
from tests.accounts.ticks import make_due, poll, writes

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("account", "position"),
    [
        ({"balance": 9_999_999_999_999.99}, {"profit": -9_876_543_210_987.65}),
        ({"balance": 1e13}, {"swap": -9_999_999_999_999.99}),
        ({"initial_balance": 1e13}, {"open_price": 12_345_678.12345678, "sl": 1e-8}),
        ({"balance": -1e13}, {"current_price": 99_999_999_999.12345678, "volume": 1e9}),
        ({"balance": 0.1 + 0.2}, {"volume": 0.1 + 0.2, "tp": 1.1 + 2.2}),
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
        polling.poll_due(reachable=True)
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


def test_half_a_surrogate_is_no_text_and_named(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = json.dumps(told(1, account_name="\ud800")).encode()
    poll()
    assert Agent.objects.get().status_code == "not-json"
    assert not Account.objects.exists()
