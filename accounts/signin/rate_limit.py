"""Attempts to sign in, or to prove again who one is: on the pages and through the API, counted in
Valkey for all web processes together. While nothing can be counted, nobody signs in.

| who tries | is counted |
| --- | --- |
| a session of this user | by itself, each hour |
| a device of this user (devices.py) | by itself, each hour |
| a network that this user signed in from | each minute; and by name and network, each hour |
| anybody else | the same, with a lower limit, and by name from everywhere, each hour |

So a stranger's guesses end what strangers can do with a name, and nothing else. An attempt is
counted before anything is checked, and is given back when it was right. Names that no user has are
counted like all others.
"""

import contextlib
import hashlib
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

from accounts.models import SignIn
from accounts.models.sign_in import How
from accounts.signin import devices
from accounts.signin.hashing import Busy, Unavailable, lane
from mt5monitor.api.limits import MINUTE, address, count, forget, give_back, network
from mt5monitor.api.limits import TooOften as TooManyRequests

operations = logging.getLogger("operations")
TOO_OFTEN = "Too many attempts to sign in: wait a minute."
TOO_OFTEN_FROM_HERE = (
    "Too many wrong attempts from this network: wait an hour, or ask a desk manager."
)
TOO_OFTEN_BY_NAME = (
    "Too many wrong attempts with this user name. Sign in on a device or network that you have "
    "used before, or wait an hour."
)
TOO_MANY_CODES = (
    "Too many wrong codes: wait an hour, or ask a desk manager to remove your second factor."
)
NOT_COUNTED = (
    "Nobody can sign in: Valkey does not answer, so attempts cannot be counted. Try again once "
    "it runs."
)
HOUR = 3600
# Of a million codes three are right at a time: whoever knows the password has a chance of one in
# seven hundred after a day of guessing.
CODES_PER_HOUR = 20
KNOWN_PER_HOUR = 30  # wrong attempts of a known device, session or network, with one name
NETWORK_PER_HOUR = 10  # and of an unknown network with one name: one alone locks nobody else out
SHOWN = {
    How.PASSWORD: "",
    How.CODE: ", with a code",
    How.PASSKEY: ", with a passkey",
    How.TOKEN: " for a token",
    How.CONFIRM: ", to confirm a change",
}
LINES_PER_MINUTE = 10  # of the log, about refused sign-ins; each is in the record of sign-ins


class TooOften(TooManyRequests):
    """429: it was counted, and nothing was checked."""


class NotCounted(Unavailable):
    def __init__(self) -> None:
        super().__init__(NOT_COUNTED)


class Counter(NamedTuple):
    key: str
    most: int
    seconds: int
    sentence: str


class Tries(NamedTuple):
    """How the attempts of one caller with one name are counted. `mark` tells this caller from the
    others that try the same name; it is empty for strangers."""

    is_known: bool
    mark: str
    counters: tuple[Counter, ...]


@contextlib.contextmanager
def counted(request: HttpRequest, name: str, how: str) -> Iterator[Tries]:
    """Count what is checked inside as one attempt with this name. It was wrong when an exception
    leaves, which is kept in the record; otherwise it is given back. `how`: of How. Raises
    TooOften, NotCounted and Busy."""
    tries = tries_of(request, name)
    _count(request, tries)
    try:
        with lane(known=tries.is_known):
            yield tries
    except Busy:
        _give_back(tries)
        raise
    except Exception:
        note_refused(request, name, how)
        raise
    _give_back(tries)


def tries_of(request: HttpRequest, name: str) -> Tries:
    if mark := _mark_of(request, name):
        hourly = Counter(f"login:known:{mark}", KNOWN_PER_HOUR, HOUR, TOO_OFTEN_FROM_HERE)
        return Tries(True, mark, (hourly,))
    here, who = network(request), _digest(name.casefold())
    is_known = SignIn.knows(name, here)
    most = KNOWN_PER_HOUR if is_known else NETWORK_PER_HOUR
    counters = [
        Counter(f"login:from:{here}", settings.API_LOGINS_PER_MINUTE, MINUTE, TOO_OFTEN),
        Counter(f"login:name:{who}:{here}", most, HOUR, TOO_OFTEN_FROM_HERE),
    ]
    if not is_known:
        most = settings.SIGN_INS_PER_HOUR
        counters.append(Counter(f"login:name:{who}", most, HOUR, TOO_OFTEN_BY_NAME))
    return Tries(is_known, here if is_known else "", tuple(counters))


def _mark_of(request: HttpRequest, name: str) -> str:
    """Of the session or device of the user of this name; empty where there is none."""
    user: Any = getattr(request, "user", None)
    if user is not None and user.is_authenticated and user.get_username() == name:
        return f"session:{_digest(request.session.session_key or '')}"
    device = devices.known(request, name)
    return f"device:{device.pk}" if device else ""


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:16]


def _count(request: HttpRequest, tries: Tries) -> None:
    for counter in tries.counters:
        try:
            so_far = count(counter.key, counter.seconds)
        except (RedisError, ValueError):
            raise NotCounted from None
        if so_far == counter.most + 1:
            _say("Sign-ins from %s are put off: %s", address(request), counter.sentence)
        if so_far > counter.most:
            raise TooOften(counter.sentence, counter.seconds)


def _give_back(tries: Tries) -> None:
    """What is counted by the minute stays counted, so that no network keeps all hashes busy."""
    with contextlib.suppress(RedisError):
        for counter in tries.counters:
            if counter.seconds == HOUR:
                give_back(counter.key, HOUR)


# --- codes of the second factor ---------------------------------------------------------------
def _codes(user_id: int, mark: str) -> str:
    return f"codes:{user_id}:{mark}" if mark else f"codes:{user_id}"


def count_code(user_id: int, mark: str) -> bool:
    """Count this code; return whether there were too many. Those before one that was right do not
    count. Whoever knows the password and guesses codes does not keep a known device out."""
    try:
        return count(_codes(user_id, mark), HOUR) > CODES_PER_HOUR
    except (RedisError, ValueError):
        return True


def forget_codes(user_id: int, mark: str = "") -> None:
    with contextlib.suppress(RedisError):
        forget(_codes(user_id, mark), HOUR)


def is_first_use(user_id: int, code: str, seconds: int) -> bool:
    """Whether this code was not used within so many seconds; from now on it was."""
    try:
        return bool(cache.add(f"code:{user_id}:{code}", 1, timeout=seconds))
    except RedisError:
        return False


# --- the record -------------------------------------------------------------------------------
def note_signed_in(request: HttpRequest, user: User, how: str) -> None:
    SignIn.note(user, how, network(request))
    operations.info("%s signed in%s", user.get_username(), SHOWN[How(how)])


def note_refused(request: HttpRequest, name: str, how: str) -> None:
    """Keep that a sign-in was wrong. A name that no user has is not kept: people type their
    password into the wrong field."""
    user = User.objects.filter(username=name).first()
    SignIn.note(user, how, network(request), was_refused=True)
    if how != How.CONFIRM:
        _say("A sign-in%s was refused, from %s", SHOWN[How(how)], address(request))


def _say(text: str, *words: str) -> None:
    """In the operations log, which strangers must not fill."""
    try:
        lines = count("login:lines")
    except (RedisError, ValueError):
        return
    if lines <= LINES_PER_MINUTE:
        operations.warning(text, *words)
    elif lines == LINES_PER_MINUTE + 1:
        operations.warning("More sign-ins were refused this minute: see Sign-ins in the admin")
