"""The API at /api/: its routers, its documents, its errors."""

import functools
from typing import Any

from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from ninja import NinjaAPI

from accounts.api.accounts import ambiguous
from accounts.api.accounts import router as accounts
from accounts.api.agents import router as agents
from accounts.api.sign_in import router as sign_in
from accounts.api.sign_in import unavailable
from accounts.keys import Ambiguous
from accounts.signin.hashing import Unavailable
from mt5monitor.api import errors
from mt5monitor.api.answers import detail
from mt5monitor.api.fallback import SENTENCES
from trading.api.history import router as history
from trading.api.orders import router as orders
from trading.api.positions import router as positions
from trading.api.sheets import router as sheets
from trading.api.trades import router as trades
from trading.api.versus import router as versus

DESCRIPTION = """Routes and names are those that scripts of the desk's former system use; what it
did not have stands beside them. Sign in with `POST /api/auth/login`, or send a token made on the
page API tokens: `Authorization: Bearer …`. An error is `{"detail": "…"}` with a fitting status."""

api = NinjaAPI(
    title="MT5 Monitor",
    version="1",
    description=DESCRIPTION,
    docs_decorator=staff_member_required(login_url="login"),
    urls_namespace="api",
)
errors.install(api)
api.add_exception_handler(Ambiguous, ambiguous)
api.add_exception_handler(Unavailable, unavailable)
api.add_router("/auth", sign_in)
api.add_router("/", agents)
api.add_router("/accounts", accounts)
api.add_router("/accounts", positions)
api.add_router("/accounts", trades)
api.add_router("/accounts", history)
api.add_router("/", sheets)
api.add_router("/orders", orders)
api.add_router("/versus", versus)


def headed(view: Any) -> Any:
    """HEAD asks what GET would answer; the server leaves out the body."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "HEAD":
            return view(request, *args, **kwargs)
        request.method = "GET"
        try:
            return view(request, *args, **kwargs)
        finally:
            request.method = "HEAD"

    return answer


# The operations say themselves who may; a page to sign in on would mean nothing to a program.
urls: Any = api.urls
for pattern in urls[0]:
    pattern.callback = login_not_required(headed(pattern.callback))


@csrf_exempt  # nothing is changed here: what is asked for is not there
@login_not_required
def nothing_here(request: HttpRequest, rest: str = "") -> HttpResponse:
    return detail(SENTENCES[404], 404)
