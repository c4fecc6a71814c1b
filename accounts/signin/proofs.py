"""How users are proven, and whether that still counts.

Signing in records it in the session, a token keeps a copy of its own, and an order that either
places keeps one too. A proof stands while the second factor that was shown is still set up, and
until everything that signs the user in is ended: see `end_all`. Who needs one is in
mfa_required.py.

The proof travels with the user who acts, so that no way to an order can leave it behind: `attach`
puts it there, where a request is let in, and `of` reads it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from accounts.models.proof import UNKNOWN, Generation, Proof, ProvenBy
from mt5monitor import sessions

KEPT = "proof"  # in a session
Shown = tuple[int, Proof]  # a user's id, and what they have shown


def now(user: Any, factor: Authenticator | None, generation: int | None = None) -> Proof:
    """Return the proof of what was shown just now: this second factor, or with None the password
    alone. `generation`: read before it was shown, so that what ends meanwhile ends this too."""
    kind, pk = (ProvenBy.PASSWORD, None) if factor is None else (factor.type, factor.pk)
    if generation is None:
        generation = generation_of(user.pk)
    return Proof(kind, timezone.now(), pk, generation)


# --- sessions -----------------------------------------------------------------------------------
def remember(session: SessionBase, user: Any, factor: Authenticator | None) -> None:
    """Record in a session what was shown just now; `factor` as in `now`."""
    proof = now(user, factor)
    at = proof.at and proof.at.isoformat()
    session[KEPT] = [proof.kind, at, proof.factor, proof.generation]


def of_session(session: SessionBase | dict[str, Any]) -> Proof:
    """Return what this session records; one from before that was recorded proves nothing."""
    kept = session.get(KEPT)
    if not kept:
        return UNKNOWN
    kind, at, factor, generation = kept
    return Proof(kind, datetime.fromisoformat(at), factor, generation)


# --- whoever acts -------------------------------------------------------------------------------
def attach(user: Any, proof: Proof) -> None:
    user.proof = proof


def of(user: Any) -> Proof:
    """Return how this user was proven who acts now; unknown for one read from the database."""
    proof: Proof = getattr(user, "proof", UNKNOWN)
    return proof


# --- whether it still counts --------------------------------------------------------------------
def standing(shown: Iterable[Shown]) -> set[Shown]:
    """Return those that show a second factor that stands. One query, none without a factor."""
    asked = {one for one in shown if one[1].factor is not None}
    if not asked:
        return set()
    rows = Authenticator.objects.filter(pk__in={proof.factor for _, proof in asked})
    there = {(pk, user): number or 0 for pk, user, number in
           rows.values_list("pk", "user_id", "user__generation__number")}  # fmt: skip
    return {one for one in asked if _counts(*one, there)}


def _counts(user_id: int, proof: Proof, there: dict[tuple[Any, int], int]) -> bool:
    """Whether the factor is there, is this user's, and nothing was ended since."""
    number = there.get((proof.factor, user_id))
    return number is not None and proof.generation in (None, number)


def stands(user_id: int, proof: Proof) -> bool:
    """Return whether it shows a second factor of this user that stands."""
    return bool(standing([(user_id, proof)]))


def factor_stands(user: str) -> Exists:
    """For a query of Proven rows: the factor is one of the user in that column."""
    return Exists(Authenticator.objects.filter(pk=OuterRef("factor"), user=OuterRef(user)))


def was_ended(user: str) -> Exists:
    """For a query of rows with a generation: all that signs this user in was ended since."""
    later = Generation.objects.filter(user=OuterRef(user), number__gt=OuterRef("generation"))
    return Exists(later)


# --- ending it ----------------------------------------------------------------------------------
def generation_of(user_id: int) -> int:
    row = Generation.objects.filter(user=user_id).first()
    return row.number if row else 0


@transaction.atomic
def end_all(user_id: int, but: str | None = None) -> None:
    """End every session and token of this user, and those that are being made just now; but for
    the session with the key `but`, which is to remember its proof again. Sockets and streams end
    with them, at the next beat."""
    Generation.objects.get_or_create(user_id=user_id)
    Generation.objects.filter(user=user_id).update(number=F("number") + 1)
    sessions.end_all(user_id, but)
