"""Reading pages as a person does."""

import json
import re
from html import unescape
from typing import Any, Protocol


class Response(Protocol):
    headers: Any
    content: bytes


HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?phase=R"}


def text(response: Response) -> str:
    return response.content.decode()


def numbers(response: Response) -> list[int]:
    """The accounts of the rows, in the order shown."""
    return [int(number) for number in re.findall(r'<tr id="account-(\d+)"', text(response))]


def agent_names(response: Response) -> list[str]:
    return re.findall(r'<th scope="row" data-cell="name"[^>]*>([^<]*)</th>', text(response))


def cell(html: str, number: int, name: str) -> str:
    """The words in one cell of a row."""
    row = html[html.index(f'<tr id="account-{number}"') :]
    inside = re.search(rf'<t[dh][^>]* ?data-cell="{name}"[^>]*>(.*?)</t[dh]>', row, re.S)
    assert inside is not None, f"no cell {name}"
    return words(inside.group(1))


def words(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def said(response: Response) -> dict[str, Any]:
    """The sentence that an answer to htmx carries, and its tone and rows."""
    return dict(json.loads(response.headers["HX-Trigger"])["said"])
