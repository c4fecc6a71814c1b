"""What can be done to the accounts selected in the list; each says how many it changed."""

from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts import edits, polling
from accounts.admin.account_forms import phases_of
from accounts.admin.base import ModelAdmin
from accounts.admin.outcomes import tell_outcomes
from accounts.models import Account, Firm, Phase
from accounts.polling import TooManyRefreshes
from accounts.wording import numbers

REFRESH_MOST = 500  # accounts; more would hold the request for too long


class AccountActions(ModelAdmin):
    """Mixed into AccountAdmin, which knows who may do what."""

    actions = ("set_firm", "refresh_now")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        if not actions or not self.has_phase_permission(request):
            return actions
        phases = {
            f"set_phase_{phase.pk}": (
                _set_phase(phase),
                f"set_phase_{phase.pk}",
                f"Set phase {phase}",
            )
            for phase in phases_of(request)
        }
        return {**phases, **actions}

    @admin.action(description="Set firm…", permissions=["details"])
    def set_firm(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        chosen = request.POST.get("firm")
        if chosen is None:
            return self._ask_for_firm(request, queryset)
        known = chosen.isdecimal() and len(chosen) < 19  # digits that the column can hold
        firm = Firm.objects.filter(pk=chosen).first() if known else None
        if chosen and firm is None:
            self.message_user(request, "That firm was deleted meanwhile.", messages.ERROR)
            return None
        accounts = list(queryset)
        same = [one for one in accounts if one.firm_id == (firm.pk if firm else None)]
        count = edits.set_firm(accounts, firm)
        tell_labelled(self, request, f"Firm set to {firm or 'none'}", count, same)
        return None

    def _ask_for_firm(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Set firm",
            "opts": self.opts,
            "firms": Firm.objects.all(),
            "count": queryset.count(),
            "selected": request.POST.getlist("_selected_action"),
            "across": request.POST.get("select_across", "0"),
        }
        return TemplateResponse(request, "admin/accounts/account/set_firm.html", context)

    @admin.action(description="Refresh now", permissions=["view"])
    def refresh_now(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        accounts = list(queryset[: REFRESH_MOST + 1])
        if len(accounts) > REFRESH_MOST:
            text = f"Choose at most {REFRESH_MOST} accounts to refresh at once."
            self.message_user(request, text, messages.ERROR)
            return
        agents = {account.agent_id: account.agent for account in accounts if account.agent}
        alone = [account for account in accounts if account.agent is None]
        if alone:
            text = (
                f"{len(alone)} of {len(accounts)} accounts have no agent that could be asked: "
                f"{numbers(alone)}."
            )
            self.message_user(request, text, messages.WARNING)
        if agents:
            try:
                outcomes = polling.read_now(cast(User, request.user).pk, agents.values())
            except TooManyRefreshes as crowded:
                self.message_user(request, str(crowded), messages.ERROR)
                return
            failed = {outcome.agent_id for outcome in outcomes if not outcome.ok}
            read = sum(
                account.agent_id in agents and account.agent_id not in failed
                for account in accounts
            )
            what = f"{read} account{'' if read == 1 else 's'} refreshed"
            tell_outcomes(self, request, what, outcomes)


def _set_phase(phase: Phase) -> Any:
    def set_phase(modeladmin: Any, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        accounts = list(queryset)
        same = [one for one in accounts if one.phase_id == phase.pk]
        count = edits.set_phase(accounts, phase)
        tell_labelled(modeladmin, request, f"Phase set to {phase}", count, same, phase.name)

    return set_phase


def tell_labelled(
    modeladmin: Any,
    request: HttpRequest,
    what: str,
    count: int,
    same: list[Account],
    where: str = "it",
) -> None:
    """ "Phase set to R on 12 accounts; 2 were in R already: 5001 and 5002." """
    text = f"{what} on {count} account{'' if count == 1 else 's'}"
    if before := len(same):
        text += f"; {before} {'was' if before == 1 else 'were'} in {where} already: {numbers(same)}"
    modeladmin.message_user(request, f"{text}.", messages.SUCCESS if count else messages.INFO)
