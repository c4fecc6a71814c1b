"""What hubs are sent besides events: rows of pages, signed, and notes on what was read."""

from collections.abc import Iterator, Mapping

import msgspec
from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.live.frames import split

Part = tuple[dict[int, str], dict[int, str]]
MAX_MESSAGE = 400 * 1024  # bytes of rows in one message
SALT, DIGEST = "accounts.live.rows", "sha256"
SIGNATURE = 32  # bytes


class Note(msgspec.Struct, frozen=True):
    """Which accounts, by number, and agents, by id, were read; when that began, unix seconds by the
    clock of the host that read them: what the database says of changes is by those of hosts."""

    at: float
    accounts: list[int] = []
    agents: list[int] = []
    has_rows: bool = False


class Rows(msgspec.Struct, frozen=True, kw_only=True):
    """What pages show of what changed. `rows` are HTML by Account.row, `agents` by id; `added` and
    `gone` are numbers of accounts; `at`, unix seconds by the clock of Valkey, is when the rows
    began to be read."""

    at: float
    rows: dict[int, str] = {}
    agents: dict[int, str] = {}
    added: list[int] = []
    gone: list[int] = []
    notes: list[str] = []
    """Names of what is no row and was changed, such as the switch of trading."""

    @property
    def is_resize(self) -> bool:
        """Whether the fleet has other rows than before, so that its pages must be read again."""
        return bool(self.added or self.gone)


class Forged(Exception):
    """It was not signed with a key of this site."""


def packed(rows: Rows) -> bytes:
    return signed(msgspec.msgpack.encode(rows))


def signed(packed: bytes) -> bytes:
    return _signature(packed, settings.SECRET_KEY) + packed


def unpacked(message: bytes) -> Rows:
    """Raise Forged, or msgspec.ValidationError."""
    signature, packed = message[:SIGNATURE], message[SIGNATURE:]
    keys = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    if not any(constant_time_compare(signature, _signature(packed, key)) for key in keys):
        raise Forged
    return msgspec.msgpack.decode(packed, type=Rows)


def _signature(packed: bytes, key: str) -> bytes:
    return salted_hmac(SALT, packed, secret=key, algorithm=DIGEST).digest()


def parts(rows: Mapping[int, str], agents: Mapping[int, str]) -> Iterator[Part]:
    """Split rows so that each part stays under MAX_MESSAGE; at least one part."""
    for part in split(rows, agents, MAX_MESSAGE, lambda html: len(html.encode())):
        yield _plain(part[0]), _plain(part[1])


def _plain(rows: Mapping[int, str]) -> dict[int, str]:
    """Templates render to a subclass of str, which msgspec does not know."""
    return {key: str.__str__(html) for key, html in rows.items()}
