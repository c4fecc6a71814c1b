"""A column of positions, orders or trades is declared once: pages and files follow."""

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pytest
from django.conf import settings
from django.template import engines
from django.test import Client
from django.utils import timezone
from django.utils.module_loading import import_string
from pytest_django import Settings

from accounts.fleet.column import Align, Column, in_file, on_page
from accounts.models import Account, Position
from tests.exports.files import body
from tests.factories import make_account, make_order, make_position, make_trade, make_user
from tests.pages.reading import text, words
from trading.cells import Cells
from trading.history.trade_columns import TRADES
from trading.models import ClosedTrade, Order
from trading.order_columns import OF_ACCOUNT, ORDERS
from trading.position_columns import IN_FILES, ON_ACCOUNT, ON_POSITIONS

Columns = Sequence[Column[Any]]


@dataclass(frozen=True)
class Shown:
    """A table of a page: its address, the classes of its table, the start of those of its cells."""

    columns: Columns
    address: str
    table: str
    css: str


TABLES: Final = {
    "positions": Shown(ON_POSITIONS, "/positions/", "small positions held", "p"),
    "positions of an account": Shown(ON_ACCOUNT, "/accounts/4711/", "small positions", "p"),
    "orders": Shown(ORDERS, "/orders/", "small orders", "o"),
    "orders of an account": Shown(OF_ACCOUNT, "/accounts/4711/", "small orders", "o"),
    "trades": Shown(TRADES, "/accounts/4711/history/", "small trades", "t"),
}
FILES: Final[dict[str, Columns]] = {
    "/positions/export.csv": IN_FILES,
    "/orders/export.csv": ORDERS,
    "/accounts/4711/history/export.csv": TRADES,
}


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    return client


@pytest.fixture
def account(db: None) -> Account:
    account = make_account(number=4711, open_positions=1)
    make_position(account)
    make_order(account)
    make_trade(account)
    return account


def table(client: Client, shown: Shown) -> tuple[str, str]:
    """The headings and the first row."""
    html = text(client.get(shown.address)).split(f'<table class="{shown.table}"')[1]
    head, rows = html.split("</table>")[0].split("</thead>")
    return head, rows.split("</tr>")[0]


def titles(client: Client, address: str) -> list[str]:
    lines = body(client.get(address)).decode("utf-8-sig").splitlines()
    return next(csv.reader(lines))


# --- what is declared ---------------------------------------------------------------------------
@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_its_heading_and_its_cell_in_order(
    viewer: Client, account: Account, name: str
) -> None:
    shown = TABLES[name]
    columns = on_page(shown.columns)
    head, row = table(viewer, shown)
    headings = re.findall(r"<th scope=\"col\".*?</th>", head, re.S)[: len(columns)]
    assert [words(one) for one in headings] == [column.label for column in columns]
    cells = re.findall(rf'<t[hd][^>]* class="(?:n )?{shown.css}-(\w+)', row)
    assert cells == [column.key for column in columns]


@pytest.mark.parametrize("name", TABLES)
def test_figures_and_their_headings_are_at_the_right(
    viewer: Client, account: Account, name: str
) -> None:
    shown = TABLES[name]
    right = [column for column in on_page(shown.columns) if column.shape.align is Align.RIGHT]
    head, row = table(viewer, shown)
    headings = re.findall(r'<th scope="col" class="n">(.*?)</th>', head)
    assert headings == [column.label for column in right]
    assert re.findall(rf'class="n {shown.css}-(\w+)', row) == [column.key for column in right]


def test_the_heading_of_a_trade_names_the_time_zone(
    viewer: Client, account: Account, settings: Settings
) -> None:
    settings.TIME_ZONE = "America/New_York"
    head, _ = table(viewer, TABLES["trades"])
    assert '<th scope="col">Closed, America/New_York</th>' in head


@pytest.mark.parametrize("address", FILES)
def test_files_have_the_declared_columns_in_order(
    viewer: Client, account: Account, address: str
) -> None:
    declared = in_file(FILES[address], timezone.now())
    assert titles(viewer, address) == [column.title for column in declared]


@pytest.mark.parametrize("columns", [ON_POSITIONS, ON_ACCOUNT, TRADES])
def test_phones_have_a_place_for_every_column_or_hide_it(columns: Columns) -> None:
    sheets = (settings.BASE_DIR / "mt5monitor/static/mt5monitor").glob("*.css")
    css = "t" if columns is TRADES else "p"
    rules = re.findall(
        r"^ +(.*) \{.*(?:grid-area:|display: none)", "\n".join(map(read, sheets)), re.M
    )
    placed = set(re.findall(rf"\.{css}-(\w+)", " ".join(rules)))
    assert {column.key for column in on_page(columns)} <= placed


def read(path: Any) -> str:
    return str(path.read_text())


# --- one more column ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Addition:
    """A column that is added to a list, where the list and its files are declared."""

    table: str
    column: Column[Any]
    lists: Sequence[str]
    file: str


COMMENT: Final = Cells[Position]("position", "p").text("comment", "Comment here", "comment")
VOLUME: Final = Cells[Order]("order", "o").figure("volume", "Lots, asked", "volume")
PIPS: Final = Cells[ClosedTrade]("trade", "t").gain("pips", "In pips")
POSITIONS = "/positions/export.csv"
ADDITIONS: Final = (
    Addition(
        "positions",
        COMMENT,
        ["position_columns.ON_POSITIONS", "position_list.IN_FILES"],
        POSITIONS,
    ),
    Addition("positions of an account", COMMENT, ["position_columns.ON_ACCOUNT"], ""),
    Addition("orders", VOLUME, ["order_columns.ORDERS", "order_list.ORDERS"], "/orders/export.csv"),
    Addition(
        "trades",
        PIPS,
        ["history.trade_columns.TRADES", "history.trade_list.TRADES"],
        "/accounts/4711/history/export.csv",
    ),
)


@pytest.fixture
def fresh_templates() -> Iterator[None]:
    """Cells are compiled into the templates of rows, which the loader keeps."""

    def forget() -> None:
        for loader in engines["django"].engine.template_loaders:  # type: ignore[attr-defined]
            loader.reset()

    forget()
    yield
    forget()


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: str(addition.table))
def test_a_column_that_is_declared_is_on_the_page_and_in_the_file(
    viewer: Client,
    account: Account,
    fresh_templates: None,
    monkeypatch: pytest.MonkeyPatch,
    addition: Addition,
) -> None:
    Position.objects.update(comment="hello")
    ClosedTrade.objects.update(pips=7)
    shown, column = TABLES[addition.table], addition.column
    for name in addition.lists:
        longer = (*import_string(f"trading.{name}"), column)
        monkeypatch.setattr(f"trading.{name}", longer)
    head, row = table(viewer, shown)
    assert f">{column.label}</th>" in head
    (cell,) = re.findall(rf'<td class="(?:n )?{shown.css}-{column.key}[^>]*>(.*?)</td>', row)
    assert cell in ("hello", "0.1", "+7.00")
    if addition.file:
        assert titles(viewer, addition.file)[-1] == column.label


def test_a_cell_spans_all_columns_of_positions(viewer: Client, account: Account) -> None:
    account.unreadable_positions = [{"ticket": 77, "symbol": "X", "problem": "bad"}]
    account.save(update_fields=["unreadable_positions"])
    html = text(viewer.get("/accounts/4711/"))
    buttons, named = 1, 2
    wide = len(on_page(ON_ACCOUNT)) + buttons - named
    assert f'<td colspan="{wide}" class="p-problem">' in html
