"""Secrets of agents at rest: encrypted with a key that is not in the database."""

import base64
import hashlib

from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings


def _box() -> MultiFernet:
    keys = (hashlib.sha256(key.encode()).digest() for key in settings.AGENT_SECRETS_KEYS)
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])


def encrypt(secret: bytes) -> bytes:
    return _box().encrypt(secret)


def decrypt(token: bytes) -> bytes:
    """Raises cryptography.fernet.InvalidToken when none of the keys opens it."""
    return _box().decrypt(token)
