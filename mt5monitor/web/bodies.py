"""How large the body of a request may be, by its path, and how much of them all is held at once."""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

KB, MB = 1024, 1024 * 1024
# Of whom nobody is known yet: a name, a password, a code, the answer of a passkey.
SIGNING_IN: Final = 64 * KB
# A click, an edit, a call of the API.
USUAL: Final = 256 * KB
# A field for each account or position of a fleet: as many as Django reads at all
# (DATA_UPLOAD_MAX_MEMORY_SIZE, and DATA_UPLOAD_MAX_NUMBER_FIELDS in mt5monitor/settings/site.py).
WHOLE_FLEET: Final = 2_621_440
# A list of agents: a file or a text of up to 2 MB (accounts/admin/agent_import.py).
IMPORT: Final = 5 * MB
LIMITS: Final = (
    (re.compile(rb"/(login|security|logout)/"), SIGNING_IN),
    (re.compile(rb"/admin/(login|password_change)/"), SIGNING_IN),
    (re.compile(rb"/api/auth/"), SIGNING_IN),
    (re.compile(rb"/admin/accounts/agent/import/"), IMPORT),
    (re.compile(rb"/(admin|edit|refresh|close)/"), WHOLE_FLEET),
    (re.compile(rb"/accounts/[^/]*/close/"), WHOLE_FLEET),
)
# Together, of requests that are being received or answered. Small ones go on where large ones must
# wait, so that uploads keep nobody from closing a position.
SMALL: Final = 64 * KB
LARGE_ONES_MOST: Final = 64 * MB
ALL_MOST: Final = 256 * MB


def most_bytes(target: bytes) -> int:
    """Return how many bytes the body of a request for this target, as it was sent, may have."""
    path = unquote_to_bytes(target.partition(b"?")[0])
    return next((most for pattern, most in LIMITS if pattern.match(path)), USUAL)


class Room:
    """The bytes of bodies that one process holds."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, count: int, of_body: int) -> bool:
        """Whether there is room for `count` bytes more of a body that has `of_body` of them."""
        most = ALL_MOST if of_body <= SMALL else LARGE_ONES_MOST
        if self.taken + count > most:
            return False
        self.taken += count
        return True

    def give_back(self, count: int) -> None:
        self.taken -= count
