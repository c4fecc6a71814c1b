"""What a page shows is what its file holds: all pages of it, in its order, as numbers."""

import csv
import io
import re
import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import pytest
from django.contrib.messages import get_messages
from django.http import StreamingHttpResponse
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.exports import xlsxfile
from accounts.exports.table import Table
from accounts.fleet.query import Fleet, fleet_table
from accounts.models import Account
from accounts.views import exports
from tests.exports.files import body, csv_rows, xlsx_rows
from tests.factories import (
    make_account,
    make_agent,
    make_firm,
    make_order,
    make_phase,
    make_position,
    make_trade,
)

PATHS = ["/export.csv", "/export.xlsx", "/positions/export.csv", "/orders/export.xlsx"]


def refused(client: Client, address: str) -> str:
    """Why there is no file, as it is said on the page that one is led back to."""
    answer = client.get(address, headers={"Referer": "http://testserver/?q=x"})
    assert answer.status_code == 302
    assert answer.headers["Location"] == "http://testserver/?q=x"
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


@pytest.mark.both_databases
def test_the_fleet_is_exported_as_filtered_and_sorted_on_all_pages(
    viewer: Client, settings: Settings
) -> None:
    settings.ROWS_PER_PAGE = 2
    real = make_phase("R")
    for number, balance in ((11, 300), (12, 100), (13, 200), (14, 400)):
        make_account(number=number, balance=balance, phase=real if number != 14 else None)
    address = "/export.csv?phase=R&sort=-balance&page=2"
    assert [row["Account"] for row in csv_rows(viewer, address)] == ["11", "13", "12"]
    rows = xlsx_rows(viewer, address.replace("csv", "xlsx"))
    assert [row["Account"].value for row in rows] == [11, 13, 12]


def test_figures_of_the_fleet_are_numbers_in_both_formats(viewer: Client) -> None:
    make_account(
        number=5_100_000_001,
        balance=Decimal("98250.10"),
        floating=Decimal("-1.50"),
        firm=make_firm("=North", max_drawdown_pct=10),
        currency="USD",
    )
    (text,) = csv_rows(viewer, "/export.csv")
    assert (text["Account"], text["Balance"], text["Floating"]) == ("5100000001", "98250.1", "-1.5")
    assert (text["P/L"], text["P/L %"], text["Firm"]) == ("-1749.9", "-1.7499", "'=North")
    assert text["Drawdown used %"] == "17.499"
    (cells,) = xlsx_rows(viewer, "/export.xlsx")
    assert (cells["Account"].value, cells["Account"].number_format) == (5_100_000_001, "0")
    assert (cells["Floating"].value, cells["Floating"].number_format) == (-1.5, "#,##0.00")
    assert (cells["Firm"].value, cells["Firm"].data_type) == ("=North", "s")


def test_a_spanish_browser_gets_the_csv_that_its_excel_opens(viewer: Client) -> None:
    make_account(number=11, balance=Decimal("98250.10"))
    answer = viewer.get("/export.csv", headers={"Accept-Language": "es-ES,es;q=0.9,en;q=0.8"})
    assert "Accept-Language" in answer.headers["Vary"]
    data = body(answer).decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(data, newline=""), delimiter=";")
    assert (row["Account"], row["Balance"]) == ("11", "98250,1")
    page = viewer.get("/").content.decode()
    assert page.index(">XLSX</a>") < page.index(">CSV</a>")


def test_what_is_not_known_is_empty_never_zero(viewer: Client) -> None:
    agent = make_agent(status="timeout", status_reason="No answer within 10 s.")
    make_account(agent=agent, balance=None, equity=None, floating=None, open_positions=None)
    (text,) = csv_rows(viewer, "/export.csv")
    unknown = ("Balance", "Equity", "P/L", "P/L %", "Drawdown left", "Open positions", "Age, s")
    assert {text[name] for name in unknown} == {""}
    assert (text["State"], text["Stale"]) == ("Timeout", "yes")
    assert text["Reason"] == "No answer within 10 s."
    (cells,) = xlsx_rows(viewer, "/export.xlsx")
    assert {cells[name].value for name in unknown} == {None}


def test_times_are_utc_and_dates_of_a_spreadsheet(viewer: Client) -> None:
    at = datetime(2026, 3, 4, 23, 59, 58, 700_000, UTC)
    make_position(make_account(), opened_at=at)
    (text,) = csv_rows(viewer, "/positions/export.csv")
    assert text["Opened (UTC)"] == "2026-03-04 23:59:58"
    (cells,) = xlsx_rows(viewer, "/positions/export.xlsx")
    assert cells["Opened (UTC)"].value == at.replace(tzinfo=None, microsecond=0)
    assert cells["Opened (UTC)"].is_date


@pytest.mark.both_databases
def test_positions_are_exported_of_the_symbol_that_is_shown(viewer: Client) -> None:
    account = make_account()
    make_position(account, symbol="EURUSD", profit=Decimal("-3.20"), sl=None)
    gold = make_position(account, symbol="XAUUSD", comment="+1 more", magic=2**62)
    assert len(csv_rows(viewer, "/positions/export.csv")) == 2
    (text,) = csv_rows(viewer, "/positions/export.csv?symbol=XAUUSD")
    assert (text["Ticket"], text["Comment"]) == (str(gold.ticket), "'+1 more")
    (cells,) = xlsx_rows(viewer, "/positions/export.xlsx?symbol=XAUUSD")
    assert (cells["Ticket"].value, cells["Magic"].value) == (gold.ticket, str(2**62))
    assert cells["Volume, lots"].value == 0.1


@pytest.mark.both_databases
def test_the_journal_is_exported_as_filtered(viewer: Client) -> None:
    account, now = make_account(number=4711), timezone.now()
    make_order(account, state="filled", price=Decimal("1.10000"), placed_at=now - timedelta(days=3))
    make_order(account, state="rejected", reason="-5 lots?")
    assert len(csv_rows(viewer, "/orders/export.csv?account=4711")) == 2
    (text,) = csv_rows(viewer, "/orders/export.csv?state=rejected")
    assert (text["Order"], text["What happened"]) == ("buy 0.1 EURUSD", "'-5 lots?")
    (cells,) = xlsx_rows(viewer, "/orders/export.xlsx?state=filled")
    assert cells["Price"].value == 1.1
    assert cells["Answered (UTC)"].value is None


@pytest.mark.both_databases
def test_closed_trades_are_exported_of_the_account_as_filtered(viewer: Client) -> None:
    account, other = make_account(number=4711, currency="EUR"), make_account()
    won = make_trade(account, profit=Decimal("12.30"), swap=None)
    make_trade(account, profit=Decimal("-7.00"), contract="1", closed_at=None, symbol="XAUUSD")
    make_trade(other)
    assert len(csv_rows(viewer, "/accounts/4711/history/export.csv")) == 2
    (text,) = csv_rows(viewer, "/accounts/4711/history/export.csv?result=lost")
    assert (text["Net"], text["Closed (UTC)"], text["Symbol"]) == ("-7", "", "XAUUSD")
    (cells,) = xlsx_rows(viewer, "/accounts/4711/history/export.xlsx?result=won")
    assert (cells["Position"].value, cells["Net"].value) == (won.position_id, 12.3)
    assert (cells["Swap"].value, cells["Currency"].value) == (None, "EUR")
    assert "no side" in refused(viewer, "/accounts/4711/history/export.csv?side=up")
    assert viewer.get("/accounts/4712/history/export.csv").status_code == 404


@pytest.mark.parametrize("path", PATHS)
def test_a_file_has_its_name_its_kind_and_is_kept_by_no_cache(viewer: Client, path: str) -> None:
    answer = viewer.get(path)
    kind = path.rpartition(".")[2]
    name = path.strip("/").partition("/")[0].replace(f"export.{kind}", "fleet")
    wanted = f'attachment; filename="{name}-{timezone.now():%Y-%m-%d}.{kind}"'
    assert answer.headers["Content-Disposition"] == wanted
    assert ("csv" in answer.headers["Content-Type"]) is (kind == "csv")
    assert "no-store" in answer.headers["Cache-Control"]
    assert body(answer)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_file_that_would_be_too_long_is_refused_with_a_sentence(
    viewer: Client, settings: Settings, kind: str
) -> None:
    settings.EXPORT_ROWS = 2
    for _ in range(3):
        make_account()
    said = refused(viewer, f"/export.{kind}")
    assert said == (
        "An export has 2 rows at most, and there are 3. Narrow the filters; nothing was exported."
    )
    settings.EXPORT_ROWS = 3
    assert body(viewer.get(f"/export.{kind}"))


def test_an_invalid_query_is_refused_and_nothing_else_is_exported(
    viewer: Client,
) -> None:
    assert "There is no agent state “odd”" in refused(viewer, "/export.csv?state=odd")
    assert "Nothing was exported." in refused(viewer, "/orders/export.xlsx?day=never")


@pytest.mark.both_databases
def test_rows_are_read_in_parts_and_one_that_goes_meanwhile_is_left_out(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.exports.csvfile.CHUNK", 2)
    monkeypatch.setattr("accounts.exports.table.CHUNK", 2)
    numbers = [make_account(number=number).number for number in (21, 22, 23, 24, 25)]
    parts = []
    read = Table.read

    def watched(table: Table[Account], keys: list[int]) -> list[list[object]]:
        if not parts:
            Account.objects.filter(number=24).delete()
        parts.append(len(keys))
        return read(table, keys)  # type: ignore[return-value]

    monkeypatch.setattr(Table, "read", watched)
    told = [int(row["Account"]) for row in csv_rows(viewer, "/export.csv")]
    assert told == [number for number in numbers if number != 24]
    assert parts == [2, 2, 1]
    assert [row["Account"].value for row in xlsx_rows(viewer, "/export.xlsx")] == told


def test_temporary_files_go_whatever_happens(
    db: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    make_account()
    table = fleet_table(Fleet({}, timezone.now()))
    sent = xlsxfile.made(table, table.keys())
    assert not sent.file.closed
    answer = StreamingHttpResponse(sent)
    with patch("django.core.signals.request_finished.send"):
        answer.close()  # nobody has read it
    assert sent.file.closed

    def broken(table: Table[Account], keys: list[int]) -> None:
        raise RuntimeError("the database went away")

    monkeypatch.setattr(Table, "read", broken)
    with pytest.raises(RuntimeError):
        xlsxfile.made(table, table.keys())
    assert list(tmp_path.iterdir()) == []


def test_one_xlsx_is_made_at_a_time(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PATIENCE_S", 0.01)
    with exports._making:
        assert refused(viewer, "/export.xlsx") == exports.BUSY
    assert body(viewer.get("/export.xlsx"))


def test_each_page_leads_to_the_file_of_what_it_shows(viewer: Client) -> None:
    account = make_account(phase=make_phase("R"))
    make_position(account, symbol="EUR/USD")
    make_order(account, username="ana")
    shown = viewer.get("/?phase=R&sort=-balance&page=1").content.decode()
    assert 'href="/export.csv?phase=R&amp;sort=-balance"' in shown
    assert 'href="/export.xlsx?phase=R&amp;sort=-balance"' in shown
    shown = viewer.get("/positions/?symbol=EUR/USD").content.decode()
    assert 'href="/positions/export.csv?symbol=EUR%2FUSD"' in shown
    shown = viewer.get("/orders/?user=ana").content.decode()
    assert 'href="/orders/export.xlsx?user=ana"' in shown
    make_trade(account)
    shown = viewer.get(f"/accounts/{account.number}/history/?side=BUY").content.decode()
    assert f'href="/accounts/{account.number}/history/export.csv?side=BUY"' in shown


def test_a_link_to_a_file_of_everything_has_no_query(viewer: Client) -> None:
    account = make_account()
    make_position(account)
    make_order(account)
    make_trade(account)
    for page in ("/", "/positions/", "/orders/", f"/accounts/{account.number}/history/"):
        shown = viewer.get(page).content.decode()
        links = re.findall(r'href="([^"]*export\.[^"]*)"', shown)
        assert links == [f"{page}export.xlsx", f"{page}export.csv"]
