"""The operations log: its last lines, filtered, and those that come."""

from contextlib import aclosing

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.views.decorators.http import require_safe
from redis.exceptions import RedisError

from accounts.agents.text import clean
from accounts.models import Agent
from mt5monitor import events
from mt5monitor.operations import reading
from mt5monitor.operations.entry import LEVELS, Entry, Wanted

SHOWN = 300
WORDS = 60
AWAY = "The log cannot be read now: Valkey does not answer. The console of each process has it too."
PERMISSION = "accounts.view_logs"
may_see = permission_required(PERMISSION, raise_exception=True)


@require_safe
@may_see
def logs(request: HttpRequest) -> HttpResponse:
    look = Look(request)
    lines: list[reading.Line] = []
    try:
        lines = reading.last(look.wanted, SHOWN)
    except RedisError:
        look.problems.append(AWAY)
    context = {
        "look": look,
        "lines": lines,
        "after": lines[0][0] if lines else "$",
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
            self.problems.append(f"There is no level “{clean(self.level, WORDS)}”; this is info.")
            self.level = "info"
        self.agent = clean(request.GET.get("agent", ""), WORDS)
        self.text = clean(request.GET.get("q", ""), WORDS)
        self.account = clean(request.GET.get("account", ""), WORDS)
        self.wanted = Wanted(LEVELS[self.level], self.agent, self._number(), self.text)

    def _number(self) -> int | None:
        text = self.account
        if not text:
            return None
        if text.isascii() and text.isdecimal() and len(text) < 19:
            return int(text)
        self.problems.append(f"“{text}” is not an account number; all accounts are shown.")
        return None


@require_safe
@may_see
async def coming(request: HttpRequest) -> StreamingHttpResponse:
    """The lines that come, as server-sent events: each the row that the page would have shown."""
    look = Look(request)
    after = request.headers.get("Last-Event-ID") or request.GET.get("after", "")
    if not reading.is_id(after):
        after = "$"
    return events.stream(_lines(look.wanted, after), await events.holder(request, PERMISSION))


async def _lines(wanted: Wanted, after: str) -> events.Told:
    try:
        async with aclosing(reading.coming(wanted, after)) as lines:
            async for line in lines:
                yield events.PING if line is None else _event(*line)
    except RedisError:
        return  # the browser asks again, from the last line that it was sent


def _event(number: str, entry: Entry) -> bytes:
    row = render_to_string("accounts/_log_line.html", {"entry": entry})
    return events.event(row.strip(), name="line", id=number)
