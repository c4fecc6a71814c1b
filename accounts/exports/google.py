"""One spreadsheet of Google, through a service account; every failure is a sentence.

Values are sent RAW, so Google computes none of them, and a worksheet is written in one call: it
holds what it held before, or all of what is new. Times are sent as the numbers that they are in a
spreadsheet, into columns that have the format of times.
"""

import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import requests
from django.conf import settings
from google.auth.exceptions import GoogleAuthError, RefreshError
from google.auth.transport.requests import AuthorizedSession, Request
from google.oauth2.service_account import Credentials
from gspread.exceptions import APIError
from gspread.http_client import HTTPClient
from requests.adapters import BaseAdapter, HTTPAdapter

from accounts.exports.cells import Value, fit, is_exact, plain, utc
from mt5monitor.text_file import NotText, decoded

SCOPES: Final = ["https://www.googleapis.com/auth/spreadsheets"]
DEADLINE_S: Final = 60.0  # for all calls of one sync together
TIMES: Final = {"type": "DATE_TIME", "pattern": "yyyy-mm-dd hh:mm:ss"}
DAY_0: Final = datetime(1899, 12, 30)  # noqa: DTZ001 - times of a spreadsheet have no zone
adapter: Callable[[], BaseAdapter] = HTTPAdapter  # what carries the calls


class Failure(Exception):
    """Its text is a sentence. `unknown`: it may have been written nevertheless."""

    unknown = False


class Book:
    """An open spreadsheet. All of its methods raise Failure."""

    def __init__(self, key: str, credentials: Credentials) -> None:
        self.key, self.email = key, str(credentials.service_account_email)
        self._ends = time.monotonic() + DEADLINE_S
        self._client = HTTPClient(credentials, _session(credentials))
        fields = {"fields": "sheets.properties"}
        told = self._call(self._client.fetch_sheet_metadata, key, fields)
        sheets = [one.get("properties", {}) for one in told.get("sheets", [])]
        self._sheets = {sheet.get("title"): sheet for sheet in sheets}

    def write(self, title: str, rows: Sequence[Sequence[Value]], times: Sequence[int] = ()) -> None:
        """Into the worksheet of that title, made when there is none: from its first cell on, all
        rows that were there before included. Columns to the right of these are left alone.
        `times` are the columns of times, counted from 0."""
        width = len(rows[0])
        grid = self._sheets.get(title, {}).get("gridProperties", {})
        had = int(grid.get("rowCount", 0))
        if had < len(rows) or int(grid.get("columnCount", 0)) < width:
            self._make_room(title, max(had, len(rows)), max(grid.get("columnCount", 0), width))
        if times:
            self._show_times(title, times)
        values = [[cell(value) for value in row] for row in rows]
        values += [[""] * width] * (had - len(rows))
        name = title.replace("'", "''")
        data = {"range": f"'{name}'!A1", "majorDimension": "ROWS", "values": values}
        body = {"valueInputOption": "RAW", "data": [data]}
        try:
            self._call(self._client.values_batch_update, self.key, body)
        except Failure as failure:
            failure.unknown = _may_be_done(failure.__cause__)
            raise

    def _make_room(self, title: str, height: int, width: int) -> None:
        grid = {"rowCount": height, "columnCount": width}
        sheet = self._sheets.get(title)
        if sheet is None:
            properties: dict[str, Any] = {
                "title": title,
                "gridProperties": {**grid, "frozenRowCount": 1},
            }
            asked: dict[str, Any] = {"addSheet": {"properties": properties}}
        else:
            properties = {"sheetId": sheet["sheetId"], "gridProperties": grid}
            fields = "gridProperties.rowCount,gridProperties.columnCount"
            asked = {"updateSheetProperties": {"properties": properties, "fields": fields}}
        told = self._call(self._client.batch_update, self.key, {"requests": [asked]})
        if sheet is None:
            self._sheets[title] = told["replies"][0]["addSheet"]["properties"]

    def _show_times(self, title: str, columns: Sequence[int]) -> None:
        """All cells below the title of these columns show numbers as times."""
        sheet = self._sheets[title]["sheetId"]
        asked = [
            {
                "repeatCell": {
                    "range": {
                        "sheetId": sheet,
                        "startRowIndex": 1,
                        "startColumnIndex": column,
                        "endColumnIndex": column + 1,
                    },
                    "cell": {"userEnteredFormat": {"numberFormat": TIMES}},
                    "fields": "userEnteredFormat.numberFormat",
                }
            }
            for column in columns
        ]
        self._call(self._client.batch_update, self.key, {"requests": asked})

    def _call(self, call: Callable[..., Any], *arguments: Any) -> Any:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise Failure(f"Google took longer than {DEADLINE_S:.0f} s.")
        self._client.set_timeout(left)
        try:
            return call(*arguments)
        except APIError as error:
            raise Failure(refusal(error, self.key, self.email)) from error
        except RefreshError as error:
            raise Failure(
                f"Google does not accept the key of {self.email}: it may have been deleted. "
                "Make a new one, and check the clock of this machine."
            ) from error
        except requests.JSONDecodeError as error:
            raise Failure("Google answered what is not JSON.") from error
        except (requests.Timeout, TimeoutError) as error:
            raise Failure("Google did not answer in time.") from error
        except (requests.RequestException, GoogleAuthError) as error:
            raise Failure("Google cannot be reached from here.") from error


def opened() -> Book:
    """That of the settings. Raises Failure."""
    if not (settings.GOOGLE_SHEETS_CREDENTIALS and settings.GOOGLE_SHEETS_ID):
        raise Failure(NOT_SET_UP)
    return Book(settings.GOOGLE_SHEETS_ID, key_of(Path(settings.GOOGLE_SHEETS_CREDENTIALS)))


NOT_SET_UP: Final = (
    "Google Sheets is not set up: set GOOGLE_SHEETS_CREDENTIALS to the path of a service "
    "account's JSON key, and GOOGLE_SHEETS_ID to what stands in the address of the spreadsheet "
    "between /d/ and /edit."
)


def key_of(path: Path) -> Credentials:
    """Raises Failure."""
    try:
        told = json.loads(decoded(path.read_bytes()))
    except OSError as error:
        raise Failure(f"The key {path} cannot be read: {error.strerror}.") from error
    except NotText as error:
        raise Failure(f"The key {path} {error}") from error
    except ValueError as error:
        raise Failure(f"The key {path} is not JSON.") from error
    try:
        read: Any = Credentials.from_service_account_info  # has no types
        made: Credentials = read(told, scopes=SCOPES)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        text = f"{path} is not the JSON key of a service account. Make one in the Google console."
        raise Failure(text) from error
    return made


def _session(credentials: Credentials) -> AuthorizedSession:
    carrier = requests.Session()
    carrier.mount("https://", adapter())
    authorized: Any = AuthorizedSession  # has no types
    session: AuthorizedSession = authorized(credentials, auth_request=Request(carrier))
    session.mount("https://", adapter())
    return session


def _may_be_done(error: BaseException | None) -> bool:
    """Without an answer, or with one that it failed, a call may have been carried out."""
    if isinstance(error, APIError):
        return bool(error.response.status_code >= 500)
    return isinstance(error, requests.RequestException | TimeoutError)


def refusal(error: APIError, key: str, email: str) -> str:
    status, told = error.response.status_code, str(error.error.get("message", ""))[:300]
    if status == 403 and ("disabled" in told or "has not been used" in told):
        return "The Google Sheets API is not enabled in the project of this service account."
    if status in (401, 403):
        return f"No access: share the sheet with {email}, as an editor."
    if status == 404:
        return f"There is no spreadsheet {key}: GOOGLE_SHEETS_ID is wrong, or it was deleted."
    if status == 429:
        return "Google's quota is used up: wait a minute."
    if status >= 500:
        return f"Google failed with HTTP {status}: try again later."
    return f"Google refused it with HTTP {status}: {told}"


def cell(value: Value) -> str | int | float:
    """As JSON: empty text for what is not known, which empties the cell. A time is the number of
    days since DAY_0."""
    if value is None:
        return ""
    if isinstance(value, str):
        return fit(value)
    if isinstance(value, datetime):
        return (utc(value) - DAY_0).total_seconds() / 86_400
    if not is_exact(value):
        return plain(value)
    return value if isinstance(value, int) else float(value)
