"""Tables as files, as filtered on screen, all pages of them."""

import threading
from collections.abc import Sequence
from typing import Any, Final, Literal

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.exports import csvfile, xlsxfile
from accounts.exports.table import Table, TooMany
from accounts.fleet.query import Fleet, fleet_table
from accounts.views.answers import said

Format = Literal["csv", "xlsx"]
FORMATS: Final[tuple[Format, ...]] = ("csv", "xlsx")
# Writing XLSX is work of this process, whose pages are live: one file at a time.
_making = threading.BoundedSemaphore()
PATIENCE_S: Final = 20.0
BUSY: Final = "Another export is being made just now. Try again in a moment."


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def fleet(request: HttpRequest, kind: Format) -> HttpResponseBase:
    look = Fleet(request.GET.dict(), timezone.now())
    return exported(request, fleet_table(look), kind, look.problems, back="/")


def exported(
    request: HttpRequest, table: Table[Any], kind: Format, problems: Sequence[str], back: str
) -> HttpResponseBase:
    """The file; or, back on the page, why there is none: `problems` of the query among that, for
    a file does not tell that it holds something else than was asked for."""
    if problems:
        return said(request, f"{' '.join(problems)} Nothing was exported.", tone="bad", back=back)
    try:
        keys = table.keys()
    except TooMany as error:
        return said(request, str(error), tone="bad", back=back)
    if kind == "csv":
        style = csvfile.style_for(request.headers.get("Accept-Language", ""))
        return _attached(csvfile.stream(table, keys, style), csvfile.CONTENT_TYPE, table, kind)
    if not _making.acquire(timeout=PATIENCE_S):
        return said(request, BUSY, tone="bad", back=back)
    try:
        body = xlsxfile.made(table, keys)
    finally:
        _making.release()
    return _attached(body, xlsxfile.CONTENT_TYPE, table, kind)


def _attached(body: Any, content_type: str, table: Table[Any], kind: Format) -> HttpResponseBase:
    name = f"{table.name}-{timezone.now():%Y-%m-%d}.{kind}"
    headers = {
        "Content-Type": content_type,
        "Content-Disposition": f'attachment; filename="{name}"',
        "X-Accel-Buffering": "no",
        "Vary": "Accept-Language",
    }
    return StreamingHttpResponse(body, headers=headers)
