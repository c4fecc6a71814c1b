"""Every name of a symbol goes through pages, forms, the API, files and sockets as it is."""

import re
from html import escape, unescape
from urllib.parse import urlencode

import pytest

from accounts.models import Position
from tests.api.program import Program, told
from tests.exports.files import xlsx_rows
from tests.factories import make_position, make_trade
from tests.odd_symbols import NAMES, offer
from tests.pages.reading import text
from tests.trading.browser import Browser, hidden
from tests.trading.desk import Desk
from trading import symbols
from trading.history.trade_list import TradeList
from trading.models import Order, TradeLimit
from trading.states import State
from trading.versus.form import VersusForm

pytestmark = [pytest.mark.django_db, pytest.mark.long]


# What HTML, forms, URLs and templates could change; all others go through the API below.
TYPED = (
    *("DOGE/USD", "..", "Boom  1000", " EURUSD", "EURUSD ", "%2F", "A?b=c", "A&amp;B", "A#b"),
    *('"quoted"', "<b>", "{{ 1 }}", "=cmd", "ذهب", "N\u00da", "👩\u200d🚀USD", "A\u00a0B"),
)


@pytest.fixture
def odd(desk: Desk) -> Browser:
    offer(desk.venue.member("2"))
    return Browser(desk)


def test_forms_open_move_and_close_them(odd: Browser) -> None:
    for number, name in enumerate(TYPED):
        key = f"open-{number}"
        confirm = odd.open("review", symbol=name, sl="100", sl_unit="pips", client_key=key)
        assert f"lots of <b>{escape(name)}</b>" in re.sub(r"\n\s*", " ", text(confirm)), name
        sent = {field: unescape(value) for field, value in hidden(confirm).items()}
        assert sent["symbol"] == name
        odd.ask(**sent)
        order = Order.objects.get(client_key=key)
        assert (order.symbol, order.state) == (name, State.FILLED), order.reason
    odd.read()
    page = text(odd.client.get(odd.own))
    held = {p.symbol: p for p in odd.desk.accounts["2"].positions.filter(symbol__in=TYPED)}
    assert set(held) == set(TYPED)
    for name, position in held.items():
        assert f'<td class="p-symbol">{escape(name)}</td>' in page
        query = urlencode({"symbol": name})
        only = text(odd.client.get(f"/positions/?{query}"))
        assert only.count('class="p-symbol"') == 1, name
        path = f"positions/{position.ticket}/"
        odd.ask(f"{path}modify/", client_key=f"move-{position.ticket}", sl="", tp="")
        odd.ask(f"{path}close/", client_key=f"close-{position.ticket}")
    states = Order.objects.exclude(kind="open").values_list("symbol", "kind", "state")
    wanted = {(name, kind, State.FILLED) for name in TYPED for kind in ("modify", "close")}
    assert set(states) == wanted


def test_the_api_and_files_tell_them_and_all_are_closed_at_once(odd: Browser) -> None:
    program = Program(odd.desk.trader)
    number = odd.desk.accounts["2"].number
    for name in NAMES:
        asked = {"symbol": name, "lot": 0.1, "order_type": "BUY"}
        opened = told(program.post(f"accounts/{number}/trade/open", asked), 200)
        assert opened["order"]["symbol"] == name
    odd.read()
    listed = program.get(f"accounts/{number}/positions")["positions"]
    assert set(NAMES) <= {row["symbol"] for row in listed}
    assert set(NAMES) <= set(symbols.of_account(odd.desk.accounts["2"]))
    told_in_file = {row["Symbol"].value for row in xlsx_rows(odd.client, "/positions/export.xlsx")}
    assert set(NAMES) <= told_in_file
    rows = Position.objects.filter(symbol__in=NAMES)
    tickets = list(rows.values_list("ticket", flat=True))
    assert len(tickets) == len(NAMES)
    said = text(odd.ask("close/", client_key="all", ticket=tickets))
    assert said.count("Done at") == len(NAMES)
    odd.read()
    assert not rows.exists()
    assert {row["symbol"] for row in program.get("orders?limit=200")["orders"]} == set(NAMES)


@pytest.mark.both_databases
def test_the_history_is_filtered_by_them(odd: Browser) -> None:
    account = odd.desk.accounts["2"]
    for name in NAMES:
        make_trade(account, symbol=name)
    page = unescape(text(odd.client.get(f"{odd.own}history/")))
    for name in NAMES:
        assert f'<option value="{name}">' in page
        assert [trade.symbol for trade in TradeList(account, {"symbol": name}).rows()] == [name]


@pytest.mark.both_databases
def test_a_versus_and_limits_take_them(odd: Browser) -> None:
    a, b = odd.desk.accounts.values()
    for name in NAMES:
        make_position(a, symbol=name)
        typed = {"account_a": str(a.number), "account_b": str(b.number), "lots": "0.1"}
        typed |= {"side_a": "BUY", "zone": "UTC", "window": "5"}
        form = VersusForm(typed | {"symbol_a": name, "symbol_b": name}, None)
        assert form.is_valid(), form.errors
        versus = form.versus()
        assert (versus.symbol_a, versus.symbol_b) == (name, name)
    limit = TradeLimit(symbols=" ".join(f'"{name}"' for name in NAMES if '"' not in name))
    assert limit.allowed_symbols == {name for name in NAMES if '"' not in name}
    assert TradeLimit(symbols="EURUSD GOLD\nUS30").allowed_symbols == {"EURUSD", "GOLD", "US30"}


def test_spaces_around_a_name_are_the_keyboards_where_the_broker_has_none(odd: Browser) -> None:
    """Telephones put a space after what they complete."""
    for typed, meant in (
        ("US30.cash ", "US30.cash"),
        (" EURUSD", " EURUSD"),
        ("EURUSD ", "EURUSD "),
    ):
        confirm = odd.open("review", symbol=typed)
        assert hidden(confirm)["symbol"] == meant
    answer = odd.open("review", symbol=" NONE ")
    assert "has no symbol NONE." in text(answer)
