"""Step-up: asking for the password and the second factor again before what a browser that was left
open, or a stolen session, must not do: make a token, switch trading on, give rights.

A session records when its user last proved who they are (proofs.py). A request that needs a newer
proof gets a page that asks for it and carries the whole form along, so nothing that was typed is
lost: the proof and the form arrive together, and the request goes on. Programs cannot be asked:
what needs a step-up has no route in the API.
"""

from collections.abc import Iterator
from typing import Any, cast

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from accounts.signin import passkeys, proofs, second_factor
from accounts.signin.forms import PROOF, ProofForm, status_of

NOT_CARRIED = "csrfmiddlewaretoken"  # the page that asks has its own


def prove(request: HttpRequest, factor: Authenticator | None) -> None:
    """Record that the user of this session has just shown the password, and this second factor or
    none, and give the session a new key, so that one that was stolen before gains nothing."""
    request.session.cycle_key()
    proofs.remember(request.session, request.user, factor)
    proofs.attach(request.user, proofs.of_session(request.session))


def is_proven(request: HttpRequest) -> bool:
    """Return whether the proof of this session is recent enough (settings.STEP_UP_S, 0: always).
    A proof in the future, from before a clock was set back, is none."""
    if not settings.STEP_UP_S:
        return True
    at = proofs.of_session(request.session).at
    return at is not None and 0 <= (timezone.now() - at).total_seconds() <= settings.STEP_UP_S


def challenge(request: HttpRequest) -> HttpResponse | None:
    """Return the page that asks for a proof, or None when this request can go on.

    Call it before anything is changed, for requests of signed-in users. Only a POST is held back.
    Files of a form are not carried along.
    """
    if request.method != "POST":
        return None
    form = None
    if not is_proven(request):
        user = cast(User, request.user)
        sent = any(name.startswith(f"{PROOF}-") for name in request.POST)
        form = ProofForm(user, request, request.POST if sent else None)
        if not form.is_valid():
            return _page(request, form)
        prove(request, form.factor)
    _drop_proof(request)
    return None


class StepUpAdmin:
    """Mixin for a ModelAdmin, before it in the list of bases: saving a row, and the actions named
    in `step_up_actions`, need a recent proof."""

    step_up_actions: tuple[str, ...] = ()

    def needs_step_up(self, request: HttpRequest, object_id: str | None) -> bool:
        """Return whether this POST does; `object_id` is None where a row is added."""
        return True

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        admin: Any = self
        can = admin.has_change_permission if object_id else admin.has_add_permission
        if request.method == "POST" and can(request) and self.needs_step_up(request, object_id):
            page = challenge(request)
            if page is not None:
                return page
        parent: Any = super()
        return parent.changeform_view(request, object_id, form_url, extra_context)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        # Any of them: a page has two lists of actions, and "index" says which was used.
        if {*request.POST.getlist("action")} & {*self.step_up_actions}:
            page = challenge(request)
            if page is not None:
                return page
        parent: Any = super()
        return parent.changelist_view(request, extra_context)


def _page(request: HttpRequest, form: ProofForm) -> HttpResponse:
    user = cast(User, request.user)
    context = {
        "form": form,
        "action": request.get_full_path(),
        "carried": list(_carried(request.POST)),
        "has_code": second_factor.has(user),
        "minutes": _minutes(settings.STEP_UP_S),
        "asked": "",
    }
    if passkeys.are_possible(request) and passkeys.of(user).exists():
        context["asked"] = passkeys.asked_to_show(user)
    return render(request, "security/step_up.html", context, status=status_of(form))


def _minutes(seconds: float) -> str:
    minutes = max(1, round(seconds / 60))
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def _carried(post: QueryDict) -> Iterator[tuple[str, str]]:
    for name, values in post.lists():
        if name != NOT_CARRIED and not name.startswith(f"{PROOF}-"):
            yield from ((name, value) for value in values)


def _drop_proof(request: HttpRequest) -> None:
    """The view finds the form as it was first sent."""
    kept = request.POST.copy()
    for name in [name for name in kept if name.startswith(f"{PROOF}-")]:
        del kept[name]
    kept._mutable = False
    cast(Any, request).POST = kept
