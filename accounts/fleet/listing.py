"""What every list has: filters, order and page of a query string, and what that cannot mean."""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models.expressions import OrderBy

from accounts.fleet.column import Column, Sort, sorts
from accounts.fleet.paging import Page
from mt5monitor.text import clean

LENGTH = 100


class Listing:
    """A list as the query string of a URL asks for it, from any client: a value that means nothing
    is left out, and `problems` says so, a sentence each.

    Subclasses name their filters, check them in `check`, and count their rows.
    """

    filters: ClassVar[Sequence[str]]  # in the order of a URL
    length: ClassVar[int] = LENGTH  # characters that are read of a value
    columns: ClassVar[Sequence[Column[Any]]] = ()
    default_sort: ClassVar[str] = ""
    sorts: ClassVar[Mapping[str, Sort]] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.sorts = sorts(cls.columns)

    def __init__(self, params: Mapping[str, str]) -> None:
        self.params = params
        self.problems: list[str] = []
        texts = {name: self.read(name) for name in self.filters}
        self.values = {name: text for name, text in texts.items() if text}
        self.check()
        self.sort = self._sort()

    # --- for subclasses -----------------------------------------------------------------------
    def read(self, name: str) -> str:
        return clean(self.params.get(name, ""), self.length)

    def check(self) -> None:
        """Leave out each filter that means nothing."""

    def count(self) -> int:
        raise NotImplementedError

    def leave_out(self, name: str, problem: str) -> None:
        """`problem` says why; it ends with what is shown instead."""
        self.problems.append(problem)
        del self.values[name]

    def choose(self, name: str, choices: Container[str], what: str, instead: str) -> None:
        value = self.values.get(name)
        if value is not None and value not in choices:
            self.leave_out(name, f"There is no {what} “{value}”; {instead}.")

    def parse(self, name: str, parse: Callable[[str], Any], problem: str) -> Any:
        """Return what `parse` makes of the value, or None without one. Where it raises ValueError,
        the value is left out: `problem` follows it in the sentence."""
        text = self.values.get(name)
        try:
            return None if text is None else parse(text)
        except ValueError:
            self.leave_out(name, f"“{text}” {problem}.")
            return None

    def _sort(self) -> str:
        sort = self.read("sort") if self.columns else ""
        if not sort or sort.removeprefix("-") in self.sorts:
            return sort or self.default_sort
        self.problems.append(
            f"There is no column “{sort}” to sort by; sorted by {self.default_sort}."
        )
        return self.default_sort

    @property
    def order(self) -> Iterator[OrderBy]:
        """The order of the rows by the chosen column; equal rows are left to the subclass."""
        return self.sorts[self.sort.removeprefix("-")].order(self.sort.startswith("-"))

    # --- for views ----------------------------------------------------------------------------
    @cached_property
    def page(self) -> Page:
        return Page.asked(self.params.get("page", ""), self.count(), self.problems)

    @property
    def is_filtered(self) -> bool:
        return bool(self.values)

    def query(self, **changes: str) -> str:
        """The query string of this list with `changes`; a page is kept only when it is given."""
        values = {**self.values, "sort": self.sort, **changes}
        if values["sort"] == self.default_sort:
            del values["sort"]
        order = [*self.filters, *(name for name in values if name not in self.filters)]
        return "?" + urlencode({name: values[name] for name in order if values.get(name)})

    @property
    def file_query(self) -> str:
        """Return the query string for the exports of this list; empty without filters and order.

        A link on the page needs a "?" then, which clears its query; the address of a file does not.
        """
        query = self.query()
        return "" if query == "?" else query
