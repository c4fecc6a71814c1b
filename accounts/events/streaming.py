"""Opening a stream of server-sent events: who asks, what they ask for, whether there is room."""

from collections.abc import Callable

from asgiref.sync import sync_to_async
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from accounts.api.caller import NO_TOKEN
from accounts.events.access import admitted, by_key
from accounts.events.follower import Follower
from accounts.live.access import Viewer, of_session
from accounts.live.frames import Refused
from mt5monitor.api.answers import detail
from mt5monitor.api.limits import address
from mt5monitor.streams import answer

INTERVAL_S = 2.0
LEAST_S, MOST_S = 1.0, 60.0
STATUS = {Refused.SIGNED_OUT: 401, Refused.FORBIDDEN: 403, Refused.TOO_MANY: 429}


async def follow(
    request: HttpRequest, follower: Callable[[Viewer, float], Follower]
) -> HttpResponseBase:
    """The stream, to this viewer at this interval; or an answer that says why not."""
    interval = _interval(request.GET.get("interval", ""))
    if interval is None:
        return detail(f"interval: seconds, from {LEAST_S:.0f} to {MOST_S:.0f}.", 422)
    try:
        made = follower(await _viewer(request), interval)
        made.reader.admit(made)
    except Refused as refusal:
        response = detail(refusal.reason, STATUS[refusal.code])
        if refusal.code == Refused.SIGNED_OUT:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response
    return answer(request, made.follow())


def _interval(text: str) -> float | None:
    """None: none that is allowed."""
    try:
        interval = float(text or INTERVAL_S)
    except ValueError:
        return None
    return interval if LEAST_S <= interval <= MOST_S else None


async def _viewer(request: HttpRequest) -> Viewer:
    """Whoever sends a token is asked for that one. Raises Refused."""
    header = request.headers.get("Authorization")
    if header is not None:
        kind, _, key = header.partition(" ")
        key = key.strip() if kind.lower() == "bearer" else ""
        return await admitted(key, lambda: sync_to_async(by_key)(key, address(request)))
    user = await request.auser()
    session = request.session.session_key
    if not user.is_authenticated or not session:
        raise Refused(Refused.SIGNED_OUT, NO_TOKEN)
    return await admitted(session, lambda: sync_to_async(of_session)(user, session))
