"""What a publisher writes into the stream, without a row of the database behind it."""

import time
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
    valkey = stream.connection()
    seq = valkey.hincrby(stream.META, "seq", 1)
    note = msgspec.json.encode(Note(time.time(), has_rows=True))
    valkey.set(f"{stream.ROWS}{seq}", message)
    entry = {"kind": "", "accounts": "", "body": "", "note": note}
    valkey.xadd(stream.STREAM, entry, id=f"{seq}-0")


send, lose_one, send_raw = threaded(write), threaded(lose), threaded(scribble)
