"""Who may have a socket, asked again at every beat: the session, the user and the permissions.

A socket's user is never refreshed by Channels, and somebody who was disabled, signed out or lost
a permission must not go on watching.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AbstractUser
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts.live.frames import Refused
from accounts.models.proof import UNKNOWN, Proof
from accounts.signin import mfa_required, proofs

SIGNED_OUT = "You are signed out."
FORBIDDEN = "You may not see this page."
BACKEND = "django.contrib.auth.backends.ModelBackend"


@dataclass(eq=False)
class Pass:
    """One socket's right to listen. The last three fields are what was verified last."""

    user_id: int
    session_key: str
    sees_agents: bool = False
    session_data: str = ""
    password: str = ""
    proof: Proof = UNKNOWN


def admit(scope: Mapping[str, Any]) -> Pass:
    """The pass of a connecting socket, behind AuthMiddlewareStack. Raises Refused."""
    user, session_key = scope["user"], scope["session"].session_key
    if not user.is_authenticated or not session_key:
        raise Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    holder = Pass(user_id=user.pk, session_key=session_key)
    refusal = check([holder])
    if refusal:
        raise refusal[holder]
    return holder


def check(holders: Iterable[Pass]) -> dict[Pass, Refused]:
    """Those who may not listen any more, and why. Three queries, however many they are, and where
    second factors are required one more for those that were shown, and one for who shows none."""
    holders = list(holders)
    sessions = _sessions({holder.session_key for holder in holders})
    viewers = who_may("accounts.view_account", {holder.user_id for holder in holders})
    agent_viewers = who_may("accounts.view_agent", {holder.user_id for holder in holders})
    refused = {}
    for holder in holders:
        user, data = viewers.get(holder.user_id), sessions.get(holder.session_key)
        holder.sees_agents = holder.user_id in agent_viewers
        if data is None:
            refused[holder] = Refused(Refused.SIGNED_OUT, SIGNED_OUT)
        elif user is None:
            refused[holder] = Refused(Refused.FORBIDDEN, FORBIDDEN)
        elif not _verified(holder, user, data):
            refused[holder] = Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    for holder in held_back(holder for holder in holders if holder not in refused):
        refused[holder] = Refused(Refused.FORBIDDEN, mfa_required.MISSING)
    return refused


def held_back(holders: Iterable[Pass]) -> set[Pass]:
    """Of those whose sessions were verified: who has to show a second factor first."""
    holders = list(holders)
    if not settings.MFA_REQUIRED:
        return set()
    standing = proofs.standing((holder.user_id, holder.proof) for holder in holders)
    without = [one for one in holders if (one.user_id, one.proof) not in standing]
    required = mfa_required.required_of({holder.user_id for holder in without})
    return {holder for holder in without if holder.user_id in required}


def signed_in(holders: Iterable[Pass], users: Mapping[int, AbstractUser]) -> set[Pass]:
    """Those whose session is theirs and goes on; `users` are those that are active. One query."""
    holders = list(holders)
    sessions = _sessions({holder.session_key for holder in holders}) if holders else {}
    return {
        holder
        for holder in holders
        if (data := sessions.get(holder.session_key)) is not None
        and (user := users.get(holder.user_id)) is not None
        and _verified(holder, user, data)
    }


def _store() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore


def _sessions(keys: set[str]) -> dict[str, str]:
    model = _store().get_model_class()
    rows = model.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return dict(rows.values_list("session_key", "session_data"))


def who_may(permission: str, user_ids: set[int]) -> dict[int, AbstractUser]:
    """Those of these users who are active and have the permission, directly or not."""
    users: Any = get_user_model()._default_manager
    return users.with_perm(permission, backend=BACKEND).in_bulk(user_ids)  # type: ignore[no-any-return]


def _verified(holder: Pass, user: AbstractUser, data: str) -> bool:
    """Whether the session is this user's and no older than the password. Sessions are signed and
    slow to decode, so one that did not change is not decoded again."""
    if (holder.session_data, holder.password) == (data, user.password):
        return True
    session: dict[str, Any] = _store()().decode(data)
    hashes = [user.get_session_auth_hash(), *_fallback_hashes(user)]
    stored = session.get(HASH_SESSION_KEY, "")
    if session.get(SESSION_KEY) != str(user.pk) or not any(
        constant_time_compare(stored, known) for known in hashes
    ):
        return False
    holder.session_data, holder.password = data, user.password
    holder.proof = proofs.of_session(session)
    return True


def _fallback_hashes(user: AbstractUser) -> Iterable[str]:
    fallback: Callable[[], Iterable[str]] = user.get_session_auth_fallback_hash
    return fallback()
