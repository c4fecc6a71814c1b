"""The second factor of a user: an authenticator app and recovery codes.

The codes, their secrets and their rows are django-allauth's; when they are asked for is in
mfa_required.py and views/sessions.py. Secrets are encrypted with the keys of the agents' secrets.
"""

import logging
import re
from typing import Any

from allauth.mfa import app_settings
from allauth.mfa.adapter import DefaultMFAAdapter, get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from accounts.secret import decrypt, encrypt
from accounts.signin import devices, proofs, rate_limit
from mt5monitor import sessions

operations = logging.getLogger("operations")
log = logging.getLogger(__name__)
KINDS = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)
WRONG = "This code is wrong, or was used already. The app shows a new one every 30 seconds."


class Wrong(Exception):
    """The sentence says why the code does not do."""


class Adapter(DefaultMFAAdapter):  # type: ignore[misc]
    """What django-allauth asks of a site (settings.MFA_ADAPTER)."""

    def encrypt(self, text: str) -> str:
        return encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return decrypt(encrypted_text.encode()).decode()

    def get_totp_label(self, user: Any) -> str:
        return str(user.get_username())


def has(user: User) -> bool:
    return bool(Authenticator.objects.filter(user=user).exists())


def of_kind(user: User, kind: str) -> Authenticator | None:
    """Return the app or the recovery codes of this user, of which there is one each."""
    return Authenticator.objects.filter(user=user, type=kind).first()


def app_of(user: User) -> Authenticator | None:
    return of_kind(user, Authenticator.Type.TOTP)


def codes_left(user: User) -> int:
    row = of_kind(user, Authenticator.Type.RECOVERY_CODES)
    return len(row.wrap().get_unused_codes()) if row else 0


def check(user: User, code: str, mark: str = "") -> Authenticator:
    """Use up this code of the app, or recovery code; return which of the two it was of. `mark` is
    of a known caller, whose codes are counted apart (rate_limit.Tries). Raise Wrong."""
    if rate_limit.count_code(user.pk, mark):
        raise Wrong(rate_limit.TOO_MANY_CODES)
    shown = _shown_by(user, _digits(code))
    if shown is None:
        operations.warning("A code of the second factor of %s was refused", user.get_username())
        raise Wrong(WRONG)
    rate_limit.forget_codes(user.pk, mark)
    return shown


def _shown_by(user: User, code: str) -> Authenticator | None:
    """None for a wrong code. Raises Wrong when nothing can be told."""
    rows = {row.type: row for row in Authenticator.objects.filter(user=user)} if code else {}
    try:
        for row in (rows[kind] for kind in KINDS if kind in rows):
            if row.wrap().validate_code(code) and _is_first_use(row, code):
                row.record_usage()
                return row
    except InvalidToken:
        log.exception("The second factor of %s cannot be decrypted", user.get_username())
        raise Wrong("Your second factor cannot be read any more: have it removed.") from None
    return None


def _is_first_use(row: Authenticator, code: str) -> bool:
    """The library remembers a code of the app for one period; with a tolerance it stays right for
    longer. Recovery codes are used up in their row."""
    periods = 2 * app_settings.TOTP_TOLERANCE + 1
    seconds = app_settings.TOTP_PERIOD * periods
    is_app = row.type == Authenticator.Type.TOTP
    return not is_app or rate_limit.is_first_use(row.user_id, code, seconds)


def _digits(code: str) -> str:
    """People type a code as they read it, in groups."""
    return re.sub("[^0-9]", "", code)[:32]


# --- setting it up ----------------------------------------------------------------------------
def new_secret() -> str:
    """Of an app that is not set up yet; as it may be kept in a session."""
    return str(get_adapter().encrypt(totp.generate_totp_secret()))


def shown(user: User, kept: str) -> tuple[str, str]:
    """The secret that was made by `new_secret`, and the address that the app reads as a picture.
    Raises InvalidToken."""
    secret = get_adapter().decrypt(kept)
    return secret, get_adapter().build_totp_url(user, secret)


def set_up(user: User, kept: str, code: str, mark: str = "") -> list[str]:
    """From now on this app is asked for; the recovery codes, told this once. Raises Wrong, and
    InvalidToken."""
    if rate_limit.count_code(user.pk, mark):
        raise Wrong(rate_limit.TOO_MANY_CODES)
    secret = get_adapter().decrypt(kept)
    if not totp.validate_totp_code(secret, _digits(code)):
        raise Wrong("This is not the code that the app shows now. Is your phone's clock right?")
    try:
        with transaction.atomic():
            row = totp.TOTP.activate(user, secret).instance
    except IntegrityError:
        raise Wrong("An app was set up already.") from None
    rate_limit.forget_codes(user.pk, mark)
    _is_first_use(row, _digits(code))
    operations.info("%s set up a second factor", user.get_username())
    return new_codes(user)


@transaction.atomic
def new_codes(user: User) -> list[str]:
    """Recovery codes, told this once; those of before are worth nothing any more."""
    Authenticator.objects.filter(user=user, type=Authenticator.Type.RECOVERY_CODES).delete()
    made = RecoveryCodes.activate(user)
    made.mark_as_viewed()
    return list(made.generate_codes())


def remove(user: User, by: str, but: str | None = None) -> bool:
    """Return whether there was one. With the key `but` of the session of the user who does it, that
    session goes on, and tokens go on without a second factor; else all of both end: it is removed
    for somebody who lost it, and may not be the one who has it now."""
    with transaction.atomic():
        removed, _ = Authenticator.objects.filter(user=user).delete()
        if but is None:
            proofs.end_all(user.pk)
        else:
            sessions.end_all(user.pk, but)
        devices.forget_all(user.pk)
    if removed:
        operations.warning("The second factor of %s was removed by %s", user.get_username(), by)
    rate_limit.forget_codes(user.pk)
    return bool(removed)
