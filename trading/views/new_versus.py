"""The form that makes a versus: what stands against it is said, and nothing typed is lost."""

from typing import cast

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.models import VSGroup
from trading import numbers
from trading.models import Versus
from trading.switching import standing
from trading.versus import desk, form, zones
from trading.versus.desk import NotNow
from trading.versus.form import VersusForm
from trading.views.versus import both, may_run


@both
@may_run
def new(request: HttpRequest) -> HttpResponse:
    group, user = _group(request), cast(User, request.user)
    if request.method != "POST":
        return _show(request, VersusForm(form.blank(user, group), group))
    typed = VersusForm(request.POST.dict(), group)
    versus = typed.read()
    if versus is None:
        return _show(request, typed, status=422)
    try:
        created = _create(versus, user, request.POST.getlist("warning"), _is_ticked(request))
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


def _is_ticked(request: HttpRequest) -> bool:
    return request.POST.get("acknowledged") == "on"


def _create(versus: Versus, user: User, read: list[str], ticked: bool) -> Versus:
    """What was acknowledged is what was shown: a warning that is new is shown first."""
    try:
        return desk.create(versus, user)
    except NotNow as refused:
        shown = all(check.sentence in read for check in refused.checks)
        if not (ticked and shown and refused.may_acknowledge):
            raise
    return desk.create(versus, user, acknowledged=True)


def _show(
    request: HttpRequest, typed: VersusForm, refused: NotNow | None = None, *, status: int = 200
) -> HttpResponse:
    checks = refused.checks if refused else []
    context = {
        "form": typed,
        "typed": typed.data,
        "errors": typed.errors,
        "accounts": form.accounts_of(typed.group),
        "group": typed.group,
        "zones": zones.names(),
        "blocks": [check.sentence for check in checks if check.blocks],
        "warnings": [check.sentence for check in checks if not check.blocks],
        "may_acknowledge": refused is not None and refused.may_acknowledge,
        "stopped": standing().why_not,
    }
    return render(request, "versus/new.html", context, status=status)
