"""Devices that a user has signed in with: what strangers try with the name of that user does not
keep them out. A cookie says which device it is; it opens nothing by itself.

A device is forgotten when the password of its user changes, when the user signs out everywhere, and
when a second factor is set up or removed.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from accounts.models import KnownDevice, SignIn

LASTS = timedelta(days=365)
# A browser that several people sign in with has a key for each.
KEYS = 5
KEY_BYTES = 24
LONGEST = 40
BETWEEN = "."


def known(request: HttpRequest, name: str) -> KnownDevice | None:
    """Return the device of this request, where the user of this name has signed in with it."""
    digests = [KnownDevice.digest_of(key) for key in _keys(request)]
    if not digests:
        return None
    since = timezone.now() - LASTS
    rows = KnownDevice.objects.filter(digest__in=digests, user__username=name, last_at__gte=since)
    found = rows.select_related("user").first()
    return found if found is not None and found.is_of_this_password() else None


def remember(request: HttpRequest, response: HttpResponse, user: Any) -> None:
    """Make the browser that gets this response a device of this user. It gets a new key: one that
    was planted in it before gains nothing."""
    keys = _keys(request)
    before = {KnownDevice.digest_of(key): key for key in keys}
    mine = KnownDevice.objects.filter(user=user, digest__in=before)
    for digest in mine.values_list("digest", flat=True):
        keys.remove(before[digest])
    mine.delete()
    key = secrets.token_urlsafe(KEY_BYTES)
    KnownDevice.note(user, key)
    response.set_cookie(
        settings.DEVICE_COOKIE_NAME,
        BETWEEN.join([key, *keys][:KEYS]),
        max_age=LASTS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )


def forget_all(user_id: int) -> None:
    """No device and no network of this user is known any longer; the record of sign-ins stays."""
    KnownDevice.objects.filter(user=user_id).delete()
    SignIn.objects.filter(user=user_id).exclude(mark="").update(mark="")


def _keys(request: HttpRequest) -> list[str]:
    sent = request.COOKIES.get(settings.DEVICE_COOKIE_NAME, "").split(BETWEEN, KEYS)[:KEYS]
    return [key for key in dict.fromkeys(sent) if key and len(key) <= LONGEST]
