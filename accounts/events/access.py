"""Who may listen to what, asked again at every beat: token or session, user, permissions."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractUser
from django.utils import timezone

from accounts.api.caller import WRONG_TOKEN, by_token
from accounts.live.access import SIGNED_OUT, Pass, held_back, signed_in, who_may
from accounts.live.frames import Refused
from accounts.models import ApiToken
from accounts.signin import mfa_required
from mt5monitor.api.limits import TooOften

# What one must be allowed to hear an event of each kind.
KINDS: dict[str, frozenset[str]] = {
    "account_update": frozenset({"accounts.view_account"}),
    "trade_result": frozenset({"accounts.view_account"}),
    "agent_status": frozenset({"accounts.view_agent"}),
    "versus_update": frozenset({"accounts.view_account", "trading.view_versus"}),
    "line": frozenset({"accounts.view_logs"}),  # of the operations log
}
EVENTS = frozenset(KINDS) - {"line"}
PERMISSIONS = frozenset().union(*KINDS.values())
FORBIDDEN = "You may not listen to any of this."


@dataclass(eq=False)
class Holder:
    """One listener's right: by a token or by a session. `kinds` is what was found last."""

    user_id: int
    token_id: int | None = None
    session: Pass | None = None
    kinds: frozenset[str] = frozenset()


def by_key(key: str, from_address: str) -> Holder:
    """Of the bearer of this token. Raises Refused."""
    try:
        caller = by_token(key, from_address)
    except TooOften as why:
        raise Refused(Refused.TOO_MANY, str(why)) from why
    if caller is None or caller.token is None:
        raise Refused(Refused.SIGNED_OUT, WRONG_TOKEN)
    return _admitted(Holder(caller.user.pk, token_id=caller.token.pk))


def by_session(user: Any, session_key: str | None) -> Holder:
    """Of whoever is signed in there. Raises Refused."""
    if not user.is_authenticated or not session_key:
        raise Refused(Refused.SIGNED_OUT, SIGNED_OUT)
    return _admitted(Holder(user.pk, session=Pass(user.pk, session_key)))


def _admitted(holder: Holder) -> Holder:
    refusal = check([holder])
    if refusal:
        raise refusal[holder]
    return holder


def check(holders: Iterable[Holder]) -> dict[Holder, Refused]:
    """Those who may not listen any more, and why; what the others may hear. Seven queries, however
    many they are, and up to two more where second factors are required. A token without one hears
    what its user may: it reads."""
    holders = list(holders)
    ids = {holder.user_id for holder in holders}
    users = _active(ids)
    may = {permission: who_may(permission, ids).keys() for permission in PERMISSIONS}
    known = signed_in([holder.session for holder in holders if holder.session], users)
    held = held_back(known)
    scopes = _scopes({holder.token_id for holder in holders if holder.token_id})
    refused = {}
    for holder in holders:
        ended = SIGNED_OUT if holder.session else WRONG_TOKEN
        if holder.session not in known and holder.token_id not in scopes:
            refused[holder] = Refused(Refused.SIGNED_OUT, ended)
            continue
        if holder.session in held:
            refused[holder] = Refused(Refused.FORBIDDEN, mfa_required.MISSING)
            continue
        has = {permission for permission, who in may.items() if holder.user_id in who}
        limits = scopes.get(holder.token_id or 0)
        has = has if limits is None else has & limits
        holder.kinds = frozenset(kind for kind, needed in KINDS.items() if needed <= has)
        if not holder.kinds:
            refused[holder] = Refused(Refused.FORBIDDEN, FORBIDDEN)
    return refused


def _active(ids: set[int]) -> Mapping[int, AbstractUser]:
    users: Any = get_user_model()._default_manager
    return users.filter(is_active=True).in_bulk(ids)  # type: ignore[no-any-return]


def _scopes(ids: set[int]) -> dict[int, set[str] | None]:
    """Of those of these tokens that are valid: what they are limited to, None for nothing."""
    if not ids:
        return {}
    now, tokens = timezone.now(), ApiToken.objects.filter(pk__in=ids).with_user()
    valid = [token for token in tokens if token.is_valid(now)]
    return {one.pk: None if one.scopes is None else set(one.scopes) for one in valid}
