"""The first page of the admin: the fleet in a few numbers, in three queries."""

from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from accounts.fleet.states import DISABLED, NAMES, QUOTA, STATES
from accounts.models import Account, Agent, AgentQuerySet, Conflict
from accounts.models.figures import fresh


def summary(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds `cards` for templates/admin/index.html; each only for those who may see its rows."""
    apps = context.get("app_list", [])
    context["app_list"] = sorted(apps, key=lambda app: app["app_label"] != "accounts")
    context["cards"] = [
        card
        for permission, make in (
            ("accounts.view_account", _accounts),
            ("accounts.view_agent", _agents),
            ("accounts.view_conflict", _conflicts),
        )
        if request.user.has_perm(permission)
        for card in make()
    ]
    return context


def _accounts() -> list[dict[str, Any]]:
    url = reverse("admin:accounts_account_changelist")
    counts = Account.objects.aggregate(
        all=Count("pk"), fresh=Count("pk", filter=fresh(timezone.now()))
    )
    value = f"{counts['fresh']} of {counts['all']}"
    return [{"title": "Accounts with fresh figures", "value": value, "url": url}]


def _agents() -> list[dict[str, Any]]:
    url = reverse("admin:accounts_agent_changelist")
    states = [status.value for status in STATES]
    filters = {state: Count("pk", filter=Q(enabled=True, status=state)) for state in states}
    counts = Agent.objects.aggregate(
        **filters,
        disabled=Count("pk", filter=Q(enabled=False)),
        at_quota=Count("pk", filter=AgentQuerySet.is_at_quota(timezone.now())),
    )
    cards = [
        {"title": _title(state), "value": counts[state], "url": f"{url}?status={state}"}
        for state in states
        if counts[state] or state == Agent.Status.ONLINE
    ]
    if counts["at_quota"]:
        page = f"{reverse('agents')}?state={QUOTA}"
        cards.append({"title": _title(QUOTA), "value": counts["at_quota"], "url": page})
    if counts["disabled"]:
        url = f"{url}?enabled__exact=0"
        cards.append({"title": _title(DISABLED), "value": counts["disabled"], "url": url})
    return cards


def _title(state: str) -> str:
    return f"Agents: {NAMES[state].lower()}"


def _conflicts() -> list[dict[str, Any]]:
    url = reverse("admin:accounts_conflict_changelist")
    return [{"title": "Open conflicts", "value": Conflict.objects.count(), "url": url}]
