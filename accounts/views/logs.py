"""The operations log: its last lines, filtered, and those that come."""

from urllib.parse import urlencode

from django.contrib.auth.decorators import login_not_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_safe
from redis.exceptions import RedisError

from accounts.events.log import LogFollower
from accounts.events.streaming import follow
from accounts.live.access import Viewer
from accounts.models import Agent
from mt5monitor.api.answers import detail
from mt5monitor.operations import reading
from mt5monitor.operations.entry import LEVELS, Wanted
from mt5monitor.text import clean

SHOWN = 300
WORDS = 60
AWAY = "The log cannot be read now: Valkey does not answer. The console of each process has it too."


@require_safe
@permission_required("accounts.view_logs", raise_exception=True)
def logs(request: HttpRequest) -> HttpResponse:
    look = Look(request)
    problems = [f"{problem} Shown are the lines without that filter." for problem in look.problems]
    lines: list[reading.Line] = []
    try:
        lines = reading.last(look.wanted, SHOWN)
    except RedisError:
        problems.append(AWAY)
    context = {
        "look": look,
        "problems": problems,
        "lines": lines,
        "after": reading.text_of(lines[0][0]) if lines else "",
        "levels": LEVELS,
        "agents": Agent.objects.order_by("name").values_list("name", flat=True),
        "shown": SHOWN,
    }
    return render(request, "accounts/logs.html", context)


class Look:
    """What the URL asks for; what cannot be read of it is said in `problems`."""

    def __init__(self, request: HttpRequest) -> None:
        self.problems: list[str] = []
        self.level = request.GET.get("level", "info")
        if self.level not in LEVELS:
            self.problems.append(f"There is no level “{clean(self.level, WORDS)}”.")
            self.level = "info"
        self.agent = clean(request.GET.get("agent", ""), WORDS)
        self.text = clean(request.GET.get("q", ""), WORDS)
        self.account = clean(request.GET.get("account", ""), WORDS)
        self.wanted = Wanted(LEVELS[self.level], self.agent, self._number(), self.text)

    @property
    def query(self) -> str:
        """The same look without what could not be read."""
        account = "" if self.wanted.account is None else str(self.wanted.account)
        filters = {"level": self.level, "agent": self.agent, "account": account, "q": self.text}
        return urlencode({name: value for name, value in filters.items() if value})

    def _number(self) -> int | None:
        text = self.account
        if not text:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 19:
            return int(text)
        self.problems.append(f"“{text}” is not an account number.")
        return None


@login_not_required  # a program is told 401, not where to sign in
@require_GET
async def coming(request: HttpRequest) -> HttpResponseBase:
    """The lines that come, as server-sent events: each the row that the page would have shown."""
    look = Look(request)
    if look.problems:
        return detail(" ".join(look.problems), 422)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")

    def follower(viewer: Viewer, interval: float) -> LogFollower:
        return LogFollower(viewer, interval, look.wanted, reading.mark_of(after))

    return await follow(request, follower)
