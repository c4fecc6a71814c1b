"""The fleet: every account, filtered, sorted and paged by the URL."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.fleet.columns import FLEET
from accounts.fleet.query import ANY, NEAR, NONE, OPEN, STATES, Fleet
from accounts.fleet.rows import account_row
from accounts.live.current import mark
from accounts.models import Conflict, Firm, Phase, VSGroup

CONFLICTS_SHOWN = 3
GROUPS_OFFERED = 500

Options = list[tuple[str, str]]


@require_safe
@permission_required("accounts.view_account", raise_exception=True)
def fleet(request: HttpRequest) -> HttpResponse:
    epoch, seq = mark()
    look = Fleet(request.GET.dict(), timezone.now())
    context = {
        "live": {"epoch": epoch, "seq": seq},
        "fleet": look,
        "totals": look.totals,
        "rows": [account_row(account, look.now) for account in look.rows()],
        "conflicts": list(Conflict.objects.select_related("agent")[: CONFLICTS_SHOWN + 1]),
        **_choices(look),
    }
    return render(request, "accounts/fleet.html", context)


@dataclass(frozen=True)
class Filter:
    name: str
    label: str
    chosen: str
    options: Options


def _choices(look: Fleet) -> dict[str, object]:
    phases = list(Phase.objects.all())
    firms = list(Firm.objects.all())
    groups = VSGroup.objects.values_list("name", flat=True)[:GROUPS_OFFERED]
    offered = [
        ("phase", "Phase", _labels(look, "phase", (phase.name for phase in phases), "No phase")),
        ("firm", "Firm", _labels(look, "firm", (firm.name for firm in firms), "No firm")),
        ("state", "State", list(STATES.items())),
        ("open", "Positions", list(OPEN.items())),
        ("vs", "VS group", [(ANY, "In a group"), *_labels(look, "vs", groups, "In none")]),
        ("near", "Limit", list(NEAR.items())),
    ]
    filters = [
        Filter(name, label, look.values.get(name, ""), options) for name, label, options in offered
    ]
    return {"phases": phases, "firms": firms, "filters": filters, "sorts": _sorts()}


def _sorts() -> Options:
    """For phones, which show no headings to sort by; the default has no place in the URL."""
    ways = [
        (sign + column.key, f"{column.full_title} {arrow}")
        for column in FLEET
        if column.sort is not None
        for sign, arrow in (("", "↑"), ("-", "↓"))
    ]
    return [("" if way == Fleet.default_sort else way, text) for way, text in ways]


def _labels(look: Fleet, name: str, names: Iterable[str], none: str) -> Options:
    """The names to choose from, with the one that the URL asks for even if it is not (any more)
    there: the form must never say something else than the page shows."""
    options = [(NONE, none), *((value, value) for value in names)]
    asked = look.values.get(name)
    known = asked in (None, ANY) or any(value == asked for value, _ in options)
    return options if known else [*options, (str(asked), str(asked))]
