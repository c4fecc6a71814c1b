"""Signing in and out."""

from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django_htmx.http import HttpResponseClientRedirect

from accounts.views.answers import by_htmx


@method_decorator(login_not_required, name="dispatch")
class SignIn(LoginView):
    template_name = "registration/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if by_htmx(request):
            return _sign_in_again(request)
        return super().dispatch(request, *args, **kwargs)


class SignOut(LogoutView):
    pass


def _sign_in_again(request: HttpRequest) -> HttpResponse:
    """A script's request was sent here because the session ended: bring the whole page along,
    and afterwards back to where it was."""
    page = urlsplit(request.headers.get("HX-Current-URL", ""))
    back = page.path + (f"?{page.query}" if page.query else "")
    query = urlencode({"next": back or reverse("fleet"), "ended": "1"})
    return HttpResponseClientRedirect(f"{reverse('login')}?{query}")
