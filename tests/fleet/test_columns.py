"""A column is declared once: the page, the sort menu, files and style sheets follow."""

import csv
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import pytest
from django.conf import settings
from django.template import Context, Template, TemplateSyntaxError
from django.test import Client
from django.utils import timezone

from accounts.exports.table import Kind
from accounts.fleet.agent_columns import AGENTS
from accounts.fleet.column import (
    Align,
    Column,
    Money,
    Own,
    SignedMoney,
    Sort,
    Text,
    file_only,
    fillers,
    in_file,
    on_page,
    sorts,
)
from accounts.fleet.columns import FLEET
from accounts.models import Account
from tests.exports.files import body
from tests.factories import make_account
from tests.pages.reading import text, words

SAMPLE: Final[Sequence[Column[Account]]] = (
    Column("company", "Broker", Text(lambda account: account.company), sort=Sort(["company"])),
    Column("margin", "Margin", Money(lambda account: account.margin), title="Margin in use"),
    Column("free", "Free", SignedMoney(lambda account: account.margin_free)),
    Column("own", "Own", Own()),
    file_only("Leverage", Kind.ID, lambda account: account.leverage),
)
FLEXIBLE: Final = {"fleet": {"name", "holder", "firm"}, "agents": {"error"}}  # they share the rest
PAGES: Final[dict[str, Sequence[Column[Any]]]] = {"fleet": FLEET, "agents": AGENTS}


def rendered(source: str, **context: Any) -> str:
    return Template("{% load columns %}" + source).render(Context(context))


def sheet(name: str) -> str:
    return (settings.BASE_DIR / "mt5monitor/static/mt5monitor" / name).read_text()


def keys_of(selector: str) -> set[str]:
    return set(re.findall(r'data-cell="(\w+)"', selector))


# --- one declaration ----------------------------------------------------------------------------
def test_one_declaration_gives_cells_in_order(db: None) -> None:
    account = make_account(company="A <b>", margin=Decimal(1234), margin_free=None)
    row: dict[str, Any] = {"places": 2, "unreported": "–"}
    for fill in fillers(SAMPLE):
        fill(row, account, timezone.now())
    source = '{% cells "tests.fleet.test_columns.SAMPLE" %}{% cell own %}<td>1</td>{% endcell %}'
    lines = rendered(source + "{% endcells %}", row=row).splitlines()
    assert lines[0] == '<td data-cell="company" title="A &lt;b&gt;">A &lt;b&gt;</td>'
    assert lines[1] == '<td data-cell="margin" data-value="1234.00">1,234.00</td>'
    assert lines[2].startswith('<td data-cell="free" data-value="" class=""><abbr')
    assert lines[3:] == ["<td>1</td>"]


def test_one_declaration_gives_the_columns_of_a_file(db: None) -> None:
    account = make_account(company="", margin=1234, margin_free=-2, leverage=30)
    columns = in_file(SAMPLE, timezone.now())
    assert {column.title: column.cell(account) for column in columns} == {
        "Broker": None,
        "Margin in use": 1234,
        "Free": -2,
        "Leverage": 30,
    }
    assert list(sorts(SAMPLE)) == ["company"]


def test_a_cell_of_no_column_is_an_error() -> None:
    source = '{% cells "tests.fleet.test_columns.SAMPLE" %}{% cell gone %}{% endcell %}'
    with pytest.raises(TemplateSyntaxError, match="No column is named gone"):
        rendered(source + "{% endcells %}")


def test_a_column_without_a_cell_is_an_error() -> None:
    with pytest.raises(TemplateSyntaxError, match="Column own needs a cell"):
        rendered('{% cells "tests.fleet.test_columns.SAMPLE" %}{% endcells %}')


# --- the pages ----------------------------------------------------------------------------------
@pytest.mark.parametrize(("page", "address"), [("fleet", "/"), ("agents", "/agents/")])
def test_every_column_has_its_heading_and_its_cell_in_order(
    viewer: Client, page: str, address: str
) -> None:
    make_account()
    shown = on_page(PAGES[page])
    html = text(viewer.get(address))
    table = html.split('<table class="rows"')[1].split("</table>")[0]
    head, rows = table.split("</thead>")
    keys = [column.key for column in shown]
    assert re.findall(r'<th scope="col" data-cell="(\w+)"', head) == keys
    assert re.findall(r'<t[hd][^>]* ?data-cell="(\w+)"', rows) == keys
    labels = [words(cell) for cell in re.findall(r"<th scope.*?</th>", head, re.S)]
    assert labels == [column.label for column in shown]


def test_every_column_that_sorts_is_in_the_menu_of_phones(viewer: Client) -> None:
    menu = text(viewer.get("/")).split('<select name="sort">')[1].split("</select>")[0]
    titles = [column.full_title for column in FLEET if column.sort is not None]
    assert re.findall(r">([^<]+) ↑</option>", menu) == titles


def test_files_have_the_columns_of_the_fleet_in_order(viewer: Client) -> None:
    make_account()
    lines = body(viewer.get("/export.csv")).decode("utf-8-sig").splitlines()
    assert next(csv.reader(lines)) == [column.title for column in in_file(FLEET, timezone.now())]


# --- the style sheets ---------------------------------------------------------------------------
def test_the_style_sheet_aligns_cells_as_they_are_declared() -> None:
    (rule,) = re.findall(r"^\.rows :is\((.*)\) { text-align: left; }$", sheet("page.css"), re.M)
    columns = [*on_page(FLEET), *on_page(AGENTS)]
    assert keys_of(rule) == {column.key for column in columns if column.shape.align is Align.LEFT}


@pytest.mark.parametrize("page", PAGES)
def test_the_style_sheet_gives_every_column_its_width(page: str) -> None:
    rules = re.findall(rf"^\.{page} \.rows thead (.*?) {{ width", sheet("page.css"), re.M)
    wide = set().union(*map(keys_of, rules))
    assert wide == {column.key for column in on_page(PAGES[page])} - FLEXIBLE[page]


@pytest.mark.parametrize("page", PAGES)
def test_phones_show_the_columns_that_are_declared_for_them(page: str) -> None:
    placed, hidden = set[str](), set[str]()
    for rule in re.findall(rf"^ *\.{page} \.rows .*$", sheet("narrow.css"), re.M):
        selector, style = rule.split("{", 1)
        if "grid-area:" in style:
            placed |= keys_of(selector)
        if "display: none" in style:
            hidden |= keys_of(selector)
    shown = on_page(PAGES[page])
    assert placed == {column.key for column in shown if column.on_phones}
    assert hidden == {column.key for column in shown if not column.on_phones}
