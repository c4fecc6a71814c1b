"""The form that makes a versus: what stands against it is said, and nothing typed is lost."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import VSGroup
from trading import numbers, symbols
from trading.switching import standing
from trading.versus import desk, form, zones
from trading.versus.desk import NotNow
from trading.versus.form import VersusForm
from trading.views.versus import acknowledged, against, both, may_run


@both
@may_run
def new(request: HttpRequest) -> HttpResponse:
    group, user = _group(request), cast(User, request.user)
    if request.method != "POST":
        return _show(request, VersusForm(None, group, initial=form.blank(user, group)))
    typed = VersusForm(request.POST.dict(), group)
    if not typed.is_valid():
        return _show(request, typed, status=422)
    versus = typed.versus()
    try:
        created = desk.create(versus, user, acknowledged(request))
    except NotNow as refused:
        if before := form.twin(versus, user):
            messages.success(request, f"{before.code} was created already.")
            return redirect("versus", before.code)
        return _show(request, typed, refused, status=422)
    messages.success(request, f"{created.code} is created. Nothing was sent yet.")
    return redirect("versus", created.code)


def _group(request: HttpRequest) -> VSGroup | None:
    asked = request.GET.get("group", "")
    if not asked:
        return None
    group = VSGroup.objects.filter(pk=numbers.whole(asked) or 0).first()
    if group is None:
        raise Http404("There is no such VS group.")
    return group


def _show(
    request: HttpRequest, typed: VersusForm, refused: NotNow | None = None, *, status: int = 200
) -> HttpResponse:
    context = {
        "form": typed,
        "typed": typed.typed,
        "errors": typed.sentences,
        "accounts": form.accounts_of(typed.group),
        "group": typed.group,
        "symbols": symbols.of_fleet(),
        "zones": zones.names(),
        "stopped": standing().why_not,
        **against(refused.checks if refused else []),
    }
    return render(request, "versus/new.html", context, status=status)
