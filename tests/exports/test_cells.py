"""Any text survives the way into a file and back, and no text is taken for a formula."""

import csv
import io
import os
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.escape import unescape

from accounts.exports import csvfile, xlsxfile
from accounts.exports.cells import DIGITS, Value, is_exact, plain, quoted, unquoted
from accounts.exports.table import Kind

# Whatever rows may hold, and much that they may not.
LIKELY = st.text("=+-@'\t\r\n ＝;,\"_x0A1#/" + "aé€😀", max_size=12)
TEXTS = st.one_of(LIKELY, st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"])))
EXAMPLES = int(os.environ.get("CELL_EXAMPLES", "100"))
COMPUTED = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
STARTS = (*COMPUTED, "\t", "\r", "\n")


def starts_a_formula(text: str) -> bool:
    bare = text.lstrip(" \t\n\r\x0b\x0c\u200b\u200c\u200d\u2060\ufeff")
    return text.startswith(STARTS) or bare.lstrip().startswith(COMPUTED)


def kept(text: str) -> str:
    """Line ends become one kind; that is all that is lost."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def through_csv(value: Value) -> str:
    data = csvfile.lines([[value, "next"], ["below"]])
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert rows[0][1:] == ["next"]
    assert rows[1] == ["below"]
    return rows[0][0]


def through_xlsx(*values: Value, kind: Kind = Kind.TEXT) -> list[object]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([xlsxfile.Cells(sheet, kind).of(value) for value in (*values, "last")])
    file = io.BytesIO()
    book.save(file)
    *cells, last = load_workbook(file).active[1]
    assert last.value == "last"
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    return [cell.value for cell in cells]


@settings(deadline=None, max_examples=EXAMPLES)
@given(TEXTS)
@example("=1+1")
@example("'=1+1")
@example("  @SUM(A1)")
@example("\t=1")
@example("\u200b=1+1")
@example("\ufeff =1+1")
@example("\r\r=")
@example(";'=")
def test_any_text_survives_csv_and_starts_no_formula(text: str) -> None:
    read = through_csv(text)
    assert not starts_a_formula(read)
    # One apostrophe more stands before what could become a cell of its own.
    read = re.sub(r"([;\t\n])'(?=[\s\"']*[=+\-@＝＋－＠])", r"\1", read)
    assert unquoted(read) == kept(text)


@settings(deadline=None, max_examples=EXAMPLES)
@given(TEXTS, st.sampled_from(";\t"))
@example('x;=HYPERLINK("http://x")', ";")
@example("a\n=1+1", ";")
@example('x;"=1+1', ";")
def test_no_text_starts_a_formula_where_others_separate_cells(text: str, separator: str) -> None:
    data = csvfile.lines([[1, text, "next"]]).decode()
    rows = csv.reader(io.StringIO(data, newline=""), delimiter=separator)
    bare = [cell.replace('"', "").lstrip() for row in rows for cell in row]
    assert [cell for cell in bare if cell.startswith(COMPUTED)] == []


@settings(deadline=None, max_examples=15)  # a file each
@given(st.lists(TEXTS, min_size=20, max_size=40))
@example(["#N/A", "_x0041_", "=HYPERLINK(1)", " lead", "two\nlines"])
def test_any_text_survives_xlsx_as_text(texts: list[str]) -> None:
    for text, read in zip(texts, through_xlsx(*texts), strict=True):
        assert ("" if read is None else unescape(str(read))) == kept(text)


def test_text_of_xlsx_that_looks_like_a_formula_stays_text_when_it_is_edited() -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    cells = xlsxfile.Cells(sheet, Kind.TEXT)
    for text in ("=1+1", "-", "a=b"):
        sheet.append([cells.of(text)])
    file = io.BytesIO()
    book.save(file)
    row = load_workbook(file).active["A"]
    assert [cell.value for cell in row] == ["=1+1", "-", "a=b"]
    assert [cell.quotePrefix for cell in row] == [True, True, False]
    assert {cell.data_type for cell in row} == {"s"}


@pytest.mark.parametrize(
    ("accept", "separator"),
    [
        *[(text, ";") for text in ("es", "es-ES,es;q=0.9,en;q=0.8", "de-AT", "pt-BR", "fr;q=0.4")],
        *[(text, ",") for text in ("", "en-GB,es;q=0.5", "es-MX", "ja", "*", "tlh", "\x00;q=x")],
        ("en;q=0.2, es;q=0.9", ";"),
    ],
)
def test_csv_is_written_for_the_excel_of_the_country(accept: str, separator: str) -> None:
    assert csvfile.style_for(accept).separator == separator


def test_csv_with_semicolons_has_decimal_commas_and_times_as_they_are() -> None:
    at = datetime(2026, 3, 4, 10, 0, tzinfo=UTC)
    row: list[Value] = [Decimal("-1234.50"), 17, "a;b", "a,b", at, None]
    read = csvfile.lines([row], csvfile.SEMICOLONS).decode()
    assert read == '-1234,5;17;"a;b";a,b;2026-03-04 10:00:00;\r\n'
    assert csvfile.lines([row]).decode() == '-1234.5,17,a;b,"a,b",2026-03-04 10:00:00,\r\n'


@settings(deadline=None, max_examples=EXAMPLES)
@given(TEXTS, st.sampled_from(",\t"))
@example("x,=1+1", ",")
@example('x,"=1+1', ",")
def test_no_text_starts_a_formula_whoever_opens_a_file_with_semicolons(
    text: str, separator: str
) -> None:
    data = csvfile.lines([[1, text, "next"]], csvfile.SEMICOLONS).decode()
    (own,) = csv.reader(io.StringIO(data, newline=""), delimiter=";")
    assert [own[0], own[2]] == ["1", "next"]
    assert not starts_a_formula(own[1])
    rows = csv.reader(io.StringIO(data, newline=""), delimiter=separator)
    bare = [cell.replace('"', "").lstrip() for row in rows for cell in row]
    assert [cell for cell in bare if cell.startswith(COMPUTED)] == []


@pytest.mark.parametrize("text", ["-12.5", "=x", "+1", "@me", "\tx", "\rx", " =x", "＝x"])
def test_text_that_could_be_computed_has_an_apostrophe_before_it(text: str) -> None:
    assert quoted(text).startswith("'")


@pytest.mark.parametrize("text", ["", "O'Neill", "'tis", "Ana", "a=b", "12.5", "1-2", "ñ"])
def test_other_text_is_left_alone(text: str) -> None:
    assert quoted(text) == text


def test_what_no_file_may_hold_is_left_out() -> None:
    assert quoted("a\x00b\x1b\ud800c\x85") == "abc\x85"
    assert unicodedata.category("\ud800") == "Cs"


@settings(deadline=None, max_examples=30)
@given(st.decimals(-(10**11), 10**11, allow_nan=False, allow_infinity=False, places=8))
@example(Decimal("-0.10"))
@example(Decimal("9.3"))
@example(Decimal("1E+3"))
def test_a_number_is_exact_and_a_negative_one_stays_a_number(number: Decimal) -> None:
    assert Decimal(through_csv(number)) == number
    assert "E" not in through_csv(number)
    (read,) = through_xlsx(number, kind=Kind.NUMBER)
    assert Decimal(str(read).removeprefix("'")) == number
    assert isinstance(read, int | float) is is_exact(number)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**63))
def test_an_account_number_is_never_told_with_an_exponent(number: int) -> None:
    (read,) = through_xlsx(number, kind=Kind.ID)
    assert str(read) == through_csv(number) == str(number)
    assert isinstance(read, int) is (len(str(number)) <= DIGITS)


def test_zeros_behind_a_number_are_not_its_digits() -> None:
    assert plain(Decimal("1.10000000")) == "1.1"
    assert plain(Decimal("100.00")) == plain(Decimal("1E+2")) == "100"
    assert is_exact(Decimal("123456789012345"))
    assert not is_exact(Decimal("1234567890.123456"))
    assert is_exact(Decimal("0.000000012345"))
