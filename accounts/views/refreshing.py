"""Reading agents now, because somebody asked: of one account, one agent, a selection, or all."""

from collections.abc import Iterable
from typing import cast

from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from accounts import polling
from accounts.forms import Chosen, RefreshForm
from accounts.models import Agent
from accounts.views.account import account_or_404
from accounts.views.answers import Tone, said
from accounts.wording import listed


@require_POST
@permission_required("accounts.view_account", raise_exception=True)
def account(request: HttpRequest, number: str) -> HttpResponse:
    account = account_or_404(number)
    back = f"/accounts/{account.key}/"
    if account.agent is None:
        return said(request, f"No agent reports account {account.title}.", tone="bad", back=back)
    return _refresh(request, [account.agent], back, [account.row])


@require_POST
@permission_required("accounts.view_agent", raise_exception=True)
def agent(request: HttpRequest, pk: int) -> HttpResponse:
    return _refresh(request, [get_object_or_404(Agent, pk=pk)], "/agents/", [])


@require_POST
@permission_required("accounts.view_account", raise_exception=True)
def fleet(request: HttpRequest) -> HttpResponse:
    """The agents of the accounts that were ticked; of all when none was."""
    form = RefreshForm(request.POST)
    if not form.is_valid():
        return said(request, form.sentence, tone="bad")
    accounts = form.cleaned_data["accounts"]
    agents = Agent.objects.filter(enabled=True)
    if accounts or accounts.gone:
        agents = Agent.objects.filter(accounts__in=accounts).distinct()
    rows = [account.row for account in accounts]
    return _refresh(request, agents, "/", rows, _passed_over(accounts))


def _passed_over(asked: Chosen) -> str:
    """What is said of those whose agent cannot be asked."""
    alone = [account.title for account in asked if account.agent_id is None]
    texts = [(asked.gone, "Not here any more: {}."), (alone, "No agent reports {}.")]
    return " ".join(text.format(listed(found)) for found, text in texts if found)


def _refresh(
    request: HttpRequest,
    agents: Iterable[Agent],
    back: str,
    rows: list[int],
    passed_over: str = "",
) -> HttpResponse:
    try:
        outcomes = polling.read_now(cast(User, request.user).pk, agents)
    except polling.TooManyRefreshes as crowded:
        return said(request, str(crowded), tone="bad", back=back)
    good = bool(outcomes) and all(outcome.ok for outcome in outcomes) and not passed_over
    tone: Tone = "good" if good else "bad"
    text = f"{polling.sentence_of(outcomes)} {passed_over}".rstrip()
    return said(request, text, tone=tone, back=back, rows=rows)
