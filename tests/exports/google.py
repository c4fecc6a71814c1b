"""Google, as far as a spreadsheet goes: what a transport of `requests` is asked, answered here."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests.adapters import BaseAdapter

KEY = "a-spreadsheet"
Answer = tuple[int, Any]


@dataclass
class Google:
    """One spreadsheet. `faults` by what is asked: "token", "read", "shape" or "write"; each makes
    the answer, or raises."""

    sheets: dict[str, list[list[Any]]] = field(default_factory=dict)
    formats: dict[tuple[str, int], str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    faults: dict[str, Callable[[], Answer]] = field(default_factory=dict)
    options: set[str] = field(default_factory=set)
    timeouts: list[float] = field(default_factory=list)

    def transport(self) -> BaseAdapter:
        return Transport(self)

    def answer(self, method: str, url: str, body: bytes) -> Answer:
        place = urlsplit(url)
        what = self._what(method, place.path)
        self.asked.append(what)
        if what in self.faults:
            return self.faults[what]()
        if what == "token":
            return 200, {"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"}
        if f"/spreadsheets/{KEY}" not in place.path:
            return 404, refusal(404, "Requested entity was not found.")
        return 200, getattr(self, f"_{what}")(json.loads(body or b"{}"))

    @staticmethod
    def _what(method: str, path: str) -> str:
        if path.endswith("/token"):
            return "token"
        if path.endswith("/values:batchUpdate"):
            return "write"
        return "shape" if path.endswith(":batchUpdate") else "read"

    def _read(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {
            "sheets": [
                {
                    "properties": {
                        "sheetId": number,
                        "title": title,
                        "gridProperties": {"rowCount": len(rows), "columnCount": len(rows[0])},
                    }
                }
                for number, (title, rows) in enumerate(self.sheets.items())
            ]
        }

    def _shape(self, asked: dict[str, Any]) -> dict[str, Any]:
        replies: list[dict[str, Any]] = []
        for request in asked["requests"]:
            ((kind, what),) = request.items()
            replies.append({})
            if kind == "repeatCell":
                self._format(what)
                continue
            grid = what["properties"]["gridProperties"]
            if kind == "addSheet":
                title = what["properties"]["title"]
                assert title not in self.sheets
                self.sheets[title] = []
                number = len(self.sheets) - 1
                replies[-1] = {"addSheet": {"properties": {"sheetId": number, "title": title}}}
            else:
                title = list(self.sheets)[what["properties"]["sheetId"]]
            rows, width = self.sheets[title], grid["columnCount"]
            rows += [[] for _ in range(grid["rowCount"] - len(rows))]
            for row in rows:
                row += [""] * (width - len(row))
        return {"replies": replies}

    def _format(self, what: dict[str, Any]) -> None:
        place, style = what["range"], what["cell"]["userEnteredFormat"]["numberFormat"]
        assert (place["startRowIndex"], what["fields"]) == (1, "userEnteredFormat.numberFormat")
        title = list(self.sheets)[place["sheetId"]]
        for column in range(place["startColumnIndex"], place["endColumnIndex"]):
            self.formats[title, column] = style["pattern"]

    def _write(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.options.add(asked["valueInputOption"])
        for data in asked["data"]:
            title = re.fullmatch(r"'(.*)'!A1", data["range"])
            assert title
            rows = self.sheets[unquote(title[1]).replace("''", "'")]
            for row, values in zip(rows, data["values"], strict=False):
                row[: len(values)] = values
            assert len(data["values"]) <= len(rows)
        return {}


class Transport(BaseAdapter):
    def __init__(self, google: Google) -> None:
        super().__init__()
        self.google = google

    def send(self, request: Any, *args: Any, timeout: Any = None, **options: Any) -> Any:
        assert timeout is not None, "a call without a deadline"
        self.google.timeouts.append(timeout)
        body = request.body.encode() if isinstance(request.body, str) else request.body
        status, told = self.google.answer(request.method, request.url, body)
        response = requests.Response()
        response.status_code, response.url, response.request = status, request.url, request
        data = told if isinstance(told, bytes) else json.dumps(told).encode()
        response.raw = BytesIO(data)
        response.headers["Content-Type"] = "application/json"
        return response

    def close(self) -> None:
        pass


def refusal(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message, "status": "X"}}
