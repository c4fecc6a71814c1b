"""A form of a page, filled in as a browser has it: what is rendered is what is posted."""

from html.parser import HTMLParser
from typing import Any


class _Fields(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.inside = False
        self.values: dict[str, str] = {}
        self.select = self.textarea = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        given = dict(attrs)
        if tag == "form":
            self.inside = given.get("id") == self.form_id
        if not self.inside or given.get("disabled") is not None:
            return
        name = given.get("name") or ""
        if tag == "input" and name:
            self._input(name, given)
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select:
            if "selected" in given or self.select not in self.values:
                self.values[self.select] = given.get("value") or ""
        elif tag == "textarea":
            self.textarea = name
            self.values[name] = ""

    def _input(self, name: str, given: dict[str, Any]) -> None:
        kind = given.get("type") or "text"
        if kind in ("submit", "button", "file"):
            return
        if kind in ("checkbox", "radio") and "checked" not in given:
            return
        self.values[name] = given.get("value") or ("on" if kind == "checkbox" else "")

    def handle_data(self, data: str) -> None:
        if self.inside and self.textarea:
            self.values[self.textarea] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        elif tag == "select":
            self.select = ""
        elif tag == "textarea":
            # A browser drops the first line break of a textarea.
            self.values[self.textarea] = self.values[self.textarea].removeprefix("\n").strip("\r")
            self.textarea = ""


def form_on(response: Any, form_id: str) -> dict[str, str]:
    """The names and values that the form would post if nobody touched it."""
    assert response.status_code == 200, response.headers.get("location")
    fields = _Fields(form_id)
    fields.feed(response.content.decode())
    assert fields.values, f"there is no form {form_id} on the page"
    return fields.values


def said(response: Any) -> str:
    """All messages that the page shows, in one string."""
    return " ".join(str(message) for message in response.context["messages"])
