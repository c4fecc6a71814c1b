"""Passkeys beside the app: a device that signs what the site asks shows the second factor too.

What is asked, and whether it was signed rightly, is django-allauth's and fido2's. Browsers make
passkeys only for a site with a name, by https or on localhost; `are_possible` says so.
"""

import ipaddress
import json
import logging
import struct
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.http.request import split_domain_port

from accounts.signin.second_factor import Wrong

operations = logging.getLogger("operations")
MOST = 10  # of one user
LONGEST = 60  # characters of a name
NOT_THIS = "This passkey was not accepted. Try again, or use a code."
# What a reader of bytes that anybody may have sent stumbles on.
MALFORMED = (
    *(ValidationError, ValueError, TypeError, KeyError, AttributeError, IndexError),
    *(struct.error, RecursionError),
)


def are_possible(request: HttpRequest) -> bool:
    host, _ = split_domain_port(request.get_host())
    return host == "localhost" or (request.is_secure() and _number(host) is None)


def possible_at(request: HttpRequest) -> str:
    """This page under the name by which the machine calls itself, where a browser of its own asks
    by number; else nothing."""
    host, port = split_domain_port(request.get_host())
    number = _number(host)
    if number is None or not number.is_loopback:
        return ""
    return f"{request.scheme}://localhost{port and f':{port}'}{request.path}"


def _number(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """None for a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def of(user: User) -> QuerySet[Authenticator]:
    rows = Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN)
    found: QuerySet[Authenticator] = rows.order_by("created_at")
    return found


def asked_to_make(user: User) -> str:
    """JSON of what the browser is asked; the session of this request remembers it."""
    return json.dumps(auth.begin_registration(user, passwordless=False))


def asked_to_show(user: User) -> str:
    """JSON of what the browser is asked; the session of this request remembers it."""
    return json.dumps(auth.begin_authentication(user))


def made(user: User, text: str) -> dict[str, Any]:
    """`text`: the JSON of what the browser made. Raises Wrong."""
    if of(user).count() >= MOST:
        raise Wrong(f"You have {MOST} passkeys: remove one first.")
    try:
        credential: dict[str, Any] = json.loads(text)
        auth.parse_registration_response(credential)
        auth.complete_registration(credential)
    except MALFORMED:
        raise Wrong("This passkey was not made for this page: try again.") from None
    return credential


def keep(user: User, name: str, credential: dict[str, Any]) -> None:
    """One that `made` has accepted."""
    auth.WebAuthn.add(user, name, credential)
    operations.info("%s added a passkey", user.get_username())


def check(user: User, text: str) -> Authenticator:
    """Return the passkey. `text`: the JSON of what the browser showed. Raise Wrong."""
    try:
        credential: dict[str, Any] = json.loads(text)
        auth.parse_authentication_response(credential)
        row: Authenticator = auth.complete_authentication(user, credential)
    except MALFORMED:
        operations.warning("A passkey of %s was refused", user.get_username())
        raise Wrong(NOT_THIS) from None
    finally:
        auth.clear_state()  # nothing is signed twice for the same question
    row.record_usage()
    return row


def remove(row: Authenticator) -> None:
    row.delete()
    operations.info("%s removed a passkey", row.user.get_username())
