"""Tables and progress of the commands, for a terminal, a pipe or a log."""

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

T = TypeVar("T")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """The rows as text. Cells are data: nothing in them is markup or an escape sequence."""
    drawn = Table(box=None, pad_edge=False)
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    text = io.StringIO()
    width = max(shutil.get_terminal_size((120, 24)).columns, 60)
    Console(file=text, width=width, color_system=None).print(drawn)
    return text.getvalue()


def progress(
    outcomes: Iterable[T], total: int, *, bar: bool, what: str = "Refreshing"
) -> Iterator[T]:
    """Passes the outcomes on as they come; with `bar`, under a moving bar on standard error."""
    if not bar:
        yield from outcomes
        return
    with Progress(console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(what, total=total)
        for outcome in outcomes:
            drawn.advance(task)
            yield outcome
