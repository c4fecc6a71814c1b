"""What an order is known by: at the agent, at the broker, and to the form it came from."""

import base64
import secrets

TAG_LENGTH = 26
# JSON numbers are exact up to here everywhere, and MT5's magic is an unsigned 64-bit number.
MAGIC_MOST = 2**53 - 1


def new_tag() -> str:
    """26 ASCII letters and digits, 128 random bits: the MT5 comment."""
    return base64.b32encode(secrets.token_bytes(16)).decode().rstrip("=")


def new_magic() -> int:
    return secrets.randbelow(MAGIC_MOST) + 1


def new_client_key() -> str:
    """For one form: the same form sent again is the same order."""
    return secrets.token_urlsafe(18)
