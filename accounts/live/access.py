"""Who may listen to what, asked again at every heartbeat: session or token, user, permissions.

A socket's user is never refreshed by Channels, and a user who was disabled, signed out or lost a
permission must not go on listening.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractUser, Permission
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.live.frames import Refused
from accounts.models import ApiToken
from accounts.models.proof import UNKNOWN, Proof
from accounts.models.token import WRONG_TOKEN
from accounts.signin import mfa_required, proofs

# What one must be allowed to receive an event of each kind.
KINDS: dict[str, frozenset[str]] = {
    "account_update": frozenset({"accounts.view_account"}),
    "trade_result": frozenset({"accounts.view_account"}),
    "agent_status": frozenset({"accounts.view_agent"}),
    "versus_update": frozenset({"accounts.view_account", "trading.view_versus"}),
    "line": frozenset({"accounts.view_logs"}),  # of the operations log
}
EVENTS = frozenset(KINDS) - {"line"}
PERMISSIONS = frozenset().union(*KINDS.values())
SIGNED_OUT = "You are signed out."
FORBIDDEN = "You may not listen to any of this."
FORBIDDEN_PAGE = "You may not see this page."


@dataclass(eq=False)
class Viewer:
    """One listener's right: by a session or by a token. From `kinds` on: what was found last."""

    user_id: int
    session_key: str = ""
    token_id: int | None = None
    of_page: bool = False
    kinds: frozenset[str] = frozenset()
    session_data: str = ""
    password: str = ""
    proof: Proof = UNKNOWN


def admitted(viewer: Viewer) -> Viewer:
    """Return it with what it may receive. Raise Refused."""
    refusal = check([viewer])
    if refusal:
        raise refusal[viewer]
    return viewer


def of_session(user: Any, session_key: str | None, *, of_page: bool = False) -> Viewer:
    """Return the viewer who is signed in there. Raise Refused."""
    if not user.is_authenticated or not session_key:
        raise Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    return admitted(Viewer(user.pk, session_key, of_page=of_page))


def check(viewers: Iterable[Viewer]) -> dict[Viewer, Refused]:
    """Return those who may not listen any more, and why; note what the others may receive.

    Three queries, however many they are, one more for tokens, and up to two more where second
    factors are required. A token without one receives what its user may: it reads."""
    viewers = list(viewers)
    users, permitted = _users({viewer.user_id for viewer in viewers})
    sessions = _sessions({viewer.session_key for viewer in viewers if viewer.session_key})
    scopes = _scopes({viewer.token_id for viewer in viewers if viewer.token_id})
    refused = {}
    for viewer in viewers:
        refusal = _ended(viewer, users.get(viewer.user_id), sessions, scopes)
        if refusal is not None:
            refused[viewer] = refusal
            continue
        limits, has = scopes.get(viewer.token_id or 0), permitted[viewer.user_id]
        has = has if limits is None else has & limits
        viewer.kinds = frozenset(kind for kind, needed in KINDS.items() if needed <= has)
        if not viewer.kinds:
            refused[viewer] = forbidden(viewer)
    for viewer in _held_back(v for v in viewers if v.session_key and v not in refused):
        refused[viewer] = Refused(Refused.FORBIDDEN, mfa_required.MISSING)
    return refused


def forbidden(viewer: Viewer) -> Refused:
    return Refused(Refused.FORBIDDEN, FORBIDDEN_PAGE if viewer.of_page else FORBIDDEN)


Scopes = Mapping[int, "set[str] | None"]


def _ended(
    viewer: Viewer, user: AbstractUser | None, sessions: Mapping[str, str], scopes: Scopes
) -> Refused | None:
    if viewer.token_id:
        is_valid = user is not None and viewer.token_id in scopes
        return None if is_valid else Refused(Refused.SIGNED_OUT, WRONG_TOKEN)
    data = sessions.get(viewer.session_key)
    if data is None or (user is not None and not _is_verified(viewer, user, data)):
        return Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    if user is None:  # deleted, or not active
        return forbidden(viewer) if viewer.of_page else Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    return None


def _held_back(viewers: Iterable[Viewer]) -> set[Viewer]:
    """Return which of those with verified sessions have to show a second factor first."""
    viewers = list(viewers)
    if not settings.MFA_REQUIRED:
        return set()
    standing = proofs.standing((viewer.user_id, viewer.proof) for viewer in viewers)
    without = [one for one in viewers if (one.user_id, one.proof) not in standing]
    required = mfa_required.required_of({viewer.user_id for viewer in without})
    return {viewer for viewer in without if viewer.user_id in required}


def _users(ids: set[int]) -> tuple[dict[int, AbstractUser], dict[int, set[str]]]:
    """Return those of these users who are active, and which of PERMISSIONS each has, directly or
    not: as ModelBackend decides, in two queries for all."""
    model: Any = get_user_model()
    users: dict[int, AbstractUser] = model._default_manager.filter(is_active=True).in_bulk(ids)
    permitted: dict[int, set[str]] = defaultdict(set)
    wanted = Q()
    for app, _, codename in (name.partition(".") for name in PERMISSIONS):
        wanted |= Q(content_type__app_label=app, codename=codename)
    asked = Permission.objects.filter(wanted).order_by()
    columns = ("content_type__app_label", "codename")
    direct = asked.filter(user__in=ids).values_list("user", *columns)
    by_group = asked.filter(group__user__in=ids).values_list("group__user", *columns)
    for user_id, app, codename in direct.union(by_group):
        permitted[user_id].add(f"{app}.{codename}")
    for user_id, user in users.items():
        if user.is_superuser:
            permitted[user_id] = set(PERMISSIONS)
    return users, permitted


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _sessions(keys: set[str]) -> dict[str, str]:
    if not keys:
        return {}
    model = _store().get_model_class()
    rows = model.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return dict(rows.values_list("session_key", "session_data"))


def _scopes(ids: set[int]) -> dict[int, set[str] | None]:
    """Of those of these tokens that are valid: what they are limited to, None for nothing."""
    if not ids:
        return {}
    now, tokens = timezone.now(), ApiToken.objects.filter(pk__in=ids).with_user()
    valid = [token for token in tokens if token.is_valid(now)]
    return {one.pk: None if one.scopes is None else set(one.scopes) for one in valid}


def _is_verified(viewer: Viewer, user: AbstractUser, data: str) -> bool:
    """Whether the session is this user's and no older than the password. Sessions are signed and
    slow to decode, so one that did not change is not decoded again."""
    if (viewer.session_data, viewer.password) == (data, user.password):
        return True
    session: dict[str, Any] = _store()().decode(data)
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    stored = session.get(HASH_SESSION_KEY, "")
    if session.get(SESSION_KEY) != str(user.pk) or not any(
        constant_time_compare(stored, known) for known in hashes
    ):
        return False
    viewer.session_data, viewer.password = data, user.password
    viewer.proof = proofs.of_session(session)
    return True
