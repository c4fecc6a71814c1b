"""Google Sheets, for programs."""

from django.http import HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from accounts.api.accounts import ERRORS, Number, Which, account_or_404
from accounts.api.caller import may
from accounts.api.shapes import Problem
from accounts.exports.sheets import Result, is_set_up
from mt5monitor.api.answers import answer, detail
from trading import sheets

router = Router(tags=["Google Sheets"])


class Synced(Schema):
    success: bool
    message: str
    written: dict[str, int] = Field(description="rows by worksheet")


class NotSynced(Problem):
    success: bool = False
    message: str = ""
    written: dict[str, int] = Field({}, description="what was written before it failed")


ANSWERS = {200: Synced, 409: NotSynced, 502: NotSynced, **ERRORS}


@router.post(
    "/sync-to-sheets",
    summary="Write all to Google Sheets",
    auth=may("accounts.sync_sheets"),
    response=ANSWERS,
)
def sync_all(request: HttpRequest) -> HttpResponse:
    """Writes the fleet and its closed trades, and waits. 409: it is not set up; 502: Google."""
    return _told(sheets.sync_all())


@router.post(
    "/accounts/{number}/sync-trades-to-sheets",
    summary="Write the trades of an account to Google Sheets",
    auth=may("accounts.view_account", "accounts.sync_sheets"),
    response=ANSWERS,
)
def sync_trades(request: HttpRequest, number: Number, which: Query[Which]) -> HttpResponse:
    """Writes the closed trades of one account to a worksheet of its own, and waits."""
    return _told(sheets.sync_trades(account_or_404(number, which)))


def _told(result: Result) -> HttpResponse:
    told = {"success": result.ok, "message": result.sentence, "written": result.written}
    if result.ok:
        return answer(told)
    return detail(result.sentence, 502 if is_set_up() else 409, **told)
