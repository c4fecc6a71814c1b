"""Two accounts of one login at two servers: pages, API, orders, versus between them."""

import json
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from accounts.fleet import fragments
from accounts.live import changes
from accounts.live.changes import Batch
from accounts.live.stream import Audiences
from accounts.models import Account
from tests.api.program import Program, told
from tests.factories import make_account, make_order, make_position, make_trade, make_user
from tests.valkey import PrivateValkey
from tests.venue import Venue
from tests.versus.pair import Pair
from trading.history.trade_list import TradeList, trades_table
from trading.views.events import _texts

pytestmark = pytest.mark.django_db
N = 4711
ALPHA, BETA = "Alpha-Live", "Beta-Live"
CAN = (
    *("accounts.view_account", "accounts.view_agent", "accounts.change_phase"),
    *("accounts.change_vs", "trading.trade", "trading.view_versus", "trading.run_versus"),
    "trading.acknowledge_firm_rules",
)


@pytest.fixture
def twins(venue: Venue, valkey: PrivateValkey, versus_on: None, runner: User) -> Pair:
    venue.steer("2", login=f"{N}@{ALPHA}")
    venue.steer("6", login=f"{N}@{BETA}")
    return Pair(venue, runner)


@pytest.fixture
def program(db: None, valkey: PrivateValkey) -> Program:
    return Program(make_user(*CAN))


@pytest.fixture
def visitor(db: None) -> Client:
    client = Client()
    client.force_login(make_user(*CAN))
    return client


def accounts() -> tuple[Account, Account]:
    alpha, beta = Account.objects.order_by("server")
    return alpha, beta


@pytest.mark.both_databases
def test_the_api_picks_none_of_two_silently(twins: Pair, program: Program) -> None:
    alpha, beta = accounts()
    for path in (f"accounts/{N}", f"accounts/{N}/positions", f"accounts/{N}/trade-history"):
        refused = told(program.ask("GET", path), 409)
        assert ALPHA in refused["detail"]
        assert refused["choices"] == [
            {"account_number": N, "account_id": one.pk, "server": one.server}
            for one in (alpha, beta)
        ]
    body = {"phase": "F2"}
    told(program.put(f"accounts/{N}/phase", body), 409)
    told(program.put(f"accounts/{N}/phase?server={BETA}", body), 200)
    order = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}
    told(program.post(f"accounts/{N}/trade/open", order), 409)
    alpha.refresh_from_db()
    beta.refresh_from_db()
    assert (str(alpha.phase), str(beta.phase)) == ("F1", "F2")
    for which in (f"server={BETA}", f"account_id={beta.pk}"):
        one = program.get(f"accounts/{N}?{which}")
        assert (one["account_number"], one["server"], one["account_id"]) == (N, BETA, beta.pk)
    assert {one["server"] for one in program.get("accounts")["accounts"]} == {ALPHA, BETA}
    told(program.ask("GET", f"accounts/{N}?server=Gamma"), 404)


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "changed", [{"account_a": 471}, {"server_a": BETA}, {"account_id_a": 2**40}]
)
def test_a_versus_is_never_made_with_another_account_than_a_program_named(
    program: Program, versus_on: None, changed: dict[str, Any]
) -> None:
    make_account(number=N, server=ALPHA)
    make_account(number=4800, server=BETA)
    body = {"account_a": N, "account_b": 4800, "lots": 0.1, "side": "BUY"} | changed
    refused = told(program.post("versus", body), 400)
    assert refused["detail"].startswith("No account fits “471"), refused
    assert set(refused["errors"]) == {"account_a"}


@pytest.mark.both_databases
def test_an_order_goes_to_the_account_that_was_named(twins: Pair, program: Program) -> None:
    order = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}
    key = {"Idempotency-Key": "one"}
    done = told(program.post(f"accounts/{N}/trade/open?server={BETA}", order, **key), 200)
    assert done["order"]["server"] == BETA
    told(program.post(f"accounts/{N}/trade/open?server={ALPHA}", order, **key), 409)
    sends = [entry for name in ("2", "6") for entry in twins.venue.entries(name, "send")]
    assert [(entry["login"], entry["server"]) for entry in sends] == [(N, BETA)]
    twins.read()
    held = program.get(f"accounts/{N}/positions?server={BETA}")
    assert (held["position_count"], held["server"]) == (1, BETA)
    assert program.get(f"accounts/{N}/positions?server={ALPHA}")["position_count"] == 0
    assert len(program.get(f"orders?account_number={N}&server={BETA}")["orders"]) == 1
    assert program.get(f"orders?account_number={N}&server={ALPHA}")["orders"] == []
    assert program.get(f"orders?server={BETA}%00")["orders"] == []


def test_an_agent_with_this_login_elsewhere_gets_no_order_and_gives_no_history(
    twins: Pair, program: Program
) -> None:
    twins.venue.steer("6", login=f"{N}@Gamma-Live")
    order = {"symbol": "EURUSD", "lot": 0.1, "order_type": "BUY"}
    refused = program.post(f"accounts/{N}/trade/open?server={BETA}", order)
    assert refused.status_code == 502, refused.content
    assert twins.venue.entries("6", "send") == []
    history = program.get(f"accounts/{N}/trade-history?server={BETA}&force_refresh=1")
    assert history["reason"] == "Another account is logged in at the terminal."
    assert history["trades"] == []


def test_a_versus_runs_between_two_accounts_of_one_login(twins: Pair, program: Program) -> None:
    body: dict[str, Any] = {"account_a": N, "account_b": N, "lots": 0.1, "side": "BUY"}
    refused = told(program.post("versus", body), 400)
    assert "Several accounts have number 4711: " in refused["detail"]
    assert "(" not in refused["detail"]
    body |= {"server_a": ALPHA, "server_b": BETA, "acknowledge_firm_rules": True}
    made = told(program.post("versus", body), 200)["versus"]
    assert (made["server_a"], made["server_b"]) == (ALPHA, BETA)
    ran = f"versus/{made['id']}"
    assert told(program.post(f"{ran}/congelar", {"acknowledge_firm_rules": True}), 200)
    assert told(program.post(f"{ran}/transferir", {"acknowledge_firm_rules": True}), 200)
    twins.read()
    alpha, beta = accounts()
    held = {
        one.server: [(p.side, p.volume) for p in one.positions.order_by("ticket")]
        for one in (alpha, beta)
    }
    half = Decimal("0.05")
    assert held == {ALPHA: [("BUY", 2 * half)], BETA: [("SELL", half), ("SELL", half)]}


@pytest.mark.both_databases
def test_pages_by_the_number_list_both_and_every_link_leads_to_one(
    twins: Pair, visitor: Client
) -> None:
    alpha, beta = accounts()
    choice = visitor.get(f"/accounts/{N}/history/?range=week")
    page = choice.content.decode()
    assert choice.status_code == 200
    for one in (alpha, beta):
        assert f'href="/accounts/{one.key}/history/?range=week"' in page
        assert visitor.get(f"/accounts/{one.key}/history/").status_code == 200
        own = visitor.get(f"/accounts/{one.key}/").content.decode()
        assert one.server in own
        assert f'data-account="{one.row}"' in own
    fleet = visitor.get("/").content.decode()
    assert {f'id="account-{one.row}"' in fleet for one in (alpha, beta)} == {True}
    assert fleet.count(f'value="{alpha.key}"') == 1
    assert BETA in visitor.get(f"/?q={BETA}").content.decode()
    posted = visitor.post(f"/accounts/{N}/phase/", {"phase": alpha.phase_id})
    assert posted.status_code == 409
    assert "Several accounts have number 4711" in posted.content.decode()


def test_what_is_ticked_is_changed_and_closed_on_that_account_alone(
    twins: Pair, visitor: Client
) -> None:
    alpha, beta = accounts()
    data = {"action": "phase", "accounts": beta.key, "phase": phase_id("F2")}
    visitor.post("/edit/", data)
    alpha.refresh_from_db()
    beta.refresh_from_db()
    assert (str(alpha.phase), str(beta.phase)) == ("F1", "F2")
    answer = visitor.post("/edit/", data | {"accounts": str(N)}, headers={"HX-Request": "true"})
    assert "Several accounts have number 4711" in answer.headers["HX-Trigger"]
    ticket = make_position(alpha).ticket
    make_position(beta, ticket=ticket)
    shown = visitor.post("/close/", {"accounts": beta.key}).content.decode()
    assert f'value="{beta.key}-{ticket}"' in shown
    assert f'value="{alpha.key}-{ticket}"' not in shown


def phase_id(name: str) -> int:
    from accounts.models import Phase

    return Phase.objects.get(name=name).pk


@pytest.mark.both_databases
def test_live_rows_panels_and_events_are_of_one_account_each(twins: Pair) -> None:
    alpha, beta = accounts()
    rows = fragments.account_rows([N])
    assert set(rows) == {alpha.row, beta.row}
    assert fragments.account_rows([beta.row]).keys() == {beta.row}
    assert BETA in fragments.account_panel(beta.row)
    with pytest.raises(Account.DoesNotExist):
        fragments.account_panel(N)
    (part,) = changes.read(Batch(accounts={N}), Audiences(pages=False, clients=True, at=1.0))
    items = part.items
    assert len({item.key for item in items}) == 2
    assert {item.accounts for item in items} == {str(N)}
    assert {json.loads(f"{{{item.body}}}")["server"] for item in items} == {ALPHA, BETA}
    assert {one["server"] for one in _texts([N])[N]} == {ALPHA, BETA}


@pytest.mark.both_databases
def test_journal_exports_and_histories_do_not_mix(twins: Pair, visitor: Client) -> None:
    alpha, beta = accounts()
    for one in (alpha, beta):
        make_order(one, server=one.server)
        make_trade(one)
    journal = visitor.get(f"/orders/?account={beta.key}").content.decode()
    assert journal.count('<tr id="order-') == 1
    assert f"/accounts/{beta.key}/" in journal
    both = visitor.get(f"/orders/?account={N}").content.decode()
    assert both.count('<tr id="order-') == 2
    exported = trades_table(TradeList(beta, {}))
    assert [row.account.server for row in exported.rows] == [BETA]
    assert exported.name == f"trades-{beta.key}"


@pytest.mark.both_databases
def test_the_admin_deletes_one_of_them_alone(twins: Pair, admin_client: Client) -> None:
    alpha, beta = accounts()
    page = f"/admin/accounts/account/{alpha.pk}/delete/"
    admin_client.post(page, {"post": "yes"})
    left = Account.objects.get()
    assert (left.pk, left.shares_number, left.key) == (beta.pk, False, str(N))
