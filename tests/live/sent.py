"""What a publisher writes into the stream, without a row of the database behind it."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec
from channels.db import database_sync_to_async as threaded

from accounts.live import stream
from accounts.live.message import Note, Rows


def write(at: float | None = None, **fields: Any) -> None:
    """One message of rows; `at`: when they were read, now without."""
    at = time.time() if at is None else at
    note = msgspec.json.encode(Note(at, has_rows=True))
    stream.write(stream.connection(), stream.Part((), note, Rows(at=at, **fields)))


def lose() -> None:
    """One entry that was dropped before anybody read it."""
    stream.connection().hincrby(stream.META, "seq", 1)


def scribble(message: bytes) -> None:
    """One entry whose rows are this."""
    note = msgspec.json.encode(Note(time.time(), has_rows=True))
    valkey = stream.connection()
    valkey.set(f"{stream.ROWS}{int(valkey.hget(stream.META, 'seq')) + 1}", message)
    send_fields({"kind": "", "accounts": "", "body": "", "note": note})


def send_fields(fields: Mapping[str, Any]) -> None:
    """One entry that is just this."""
    valkey = stream.connection()
    valkey.xadd(stream.STREAM, fields, id=f"{valkey.hincrby(stream.META, 'seq', 1)}-0")


send, lose_one, send_raw = threaded(write), threaded(lose), threaded(scribble)
