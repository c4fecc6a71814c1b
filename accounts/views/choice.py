"""Which of several accounts with one number is meant, when a page is opened by the number."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin

from accounts.keys import Ambiguous
from mt5monitor.htmx import by_htmx


class ChoiceMiddleware(MiddlewareMixin):
    """Views raise Ambiguous, after they have made sure that accounts may be looked at."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Ambiguous):
            return None
        # A page to choose from; to what would change or swap something, a refusal.
        looks = request.method in ("GET", "HEAD") and not by_htmx(request)
        number, query = f"/{error.number}/", request.META.get("QUERY_STRING", "")
        choices = [
            (account, request.path.replace(number, f"/{account.key}/", 1) + (query and f"?{query}"))
            for account in error.accounts
        ]
        context = {"error": error, "choices": choices if looks else []}
        return render(request, "accounts/choice.html", context, status=200 if looks else 409)
