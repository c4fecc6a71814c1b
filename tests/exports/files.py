"""Reading exported files as a spreadsheet does."""

import csv
import io
from typing import Any
from unittest.mock import patch

from asgiref.sync import async_to_sync
from django.http import StreamingHttpResponse
from django.test import Client
from openpyxl import load_workbook


def body(response: Any) -> bytes:
    """All of it, as it was streamed; that closes the response."""
    assert isinstance(response, StreamingHttpResponse), response.status_code

    async def read() -> bytes:
        return b"".join([part async for part in response])

    # Closing would end the transaction of the test; the client of Django avoids it likewise.
    with patch("channels.db.close_old_connections"):
        return async_to_sync(read)()


def csv_rows(client: Client, address: str) -> list[dict[str, str]]:
    data = body(client.get(address))
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def xlsx_rows(client: Client, address: str) -> list[dict[str, Any]]:
    """Cells by their heading."""
    sheet = load_workbook(io.BytesIO(body(client.get(address)))).active
    head, *rows = sheet.iter_rows()
    return [{title.value: cell for title, cell in zip(head, row, strict=True)} for row in rows]
