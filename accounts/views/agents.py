"""Every agent, filtered, sorted and paged by the URL."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts import poll_log
from accounts.fleet.agent_list import AgentList
from accounts.fleet.rows import agent_row
from accounts.live.current import mark


@require_safe
@permission_required("accounts.view_agent", raise_exception=True)
def agents(request: HttpRequest) -> HttpResponse:
    epoch, seq = mark()
    look = AgentList(request.GET.dict(), timezone.now())
    shown = list(look.rows())
    latest = poll_log.latest([agent.pk for agent in shown])
    context = {
        "live": {"epoch": epoch, "seq": seq},
        "look": look,
        "rows": [agent_row(agent, latest.get(agent.pk), look.now) for agent in shown],
        "pools": poll_log.pools(),
    }
    return render(request, "accounts/agents.html", context)
