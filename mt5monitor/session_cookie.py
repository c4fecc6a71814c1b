"""The cookie of a session, which several tabs share."""

from django.contrib.sessions import middleware
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers


class SessionMiddleware(middleware.SessionMiddleware):
    """Django's own, but for a cookie whose session is not there: it stays.

    A session gets another key when its user proves again who they are. A request that another tab
    sent just before still has the old key. Django would then delete the cookie, which holds the new
    key by the time that the response arrives: the user would be signed out.
    """

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        session = request.session
        if session.is_empty() and not session.modified:
            if session.accessed:
                patch_vary_headers(response, ("Cookie",))
            return response
        return super().process_response(request, response)
