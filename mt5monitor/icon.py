"""The icon where browsers look for it on whatever names none: errors of a proxy, plain text."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from mt5monitor.theme import ICON

HOUR = 3600


@login_not_required
@cache_control(public=True, max_age=HOUR)
@require_safe
def icon(request: HttpRequest) -> HttpResponse:
    return redirect(static(ICON))
