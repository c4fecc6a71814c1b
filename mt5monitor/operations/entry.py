"""One line of the operations log, and which lines somebody wants to see."""

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from mt5monitor.operations.redaction import redacted

LONGEST = 2000
LEVELS: Final = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Entry(msgspec.Struct, frozen=True):
    """`agent` and `account` where whoever wrote it named them."""

    at: float
    level: int
    logger: str
    process: str
    text: str
    agent: str = ""
    account: int | None = None

    @classmethod
    def of(cls, record: logging.LogRecord) -> "Entry":
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            text = f"{text} ({type(error).__name__}: {error})"
        account: Any = getattr(record, "account", None)
        return cls(
            at=record.created,
            level=record.levelno,
            logger=record.name,
            process=_process(),
            text=_written(redacted(" ".join(text.split()))[:LONGEST]),
            agent=_written(str(getattr(record, "agent", ""))),
            account=account if isinstance(account, int) else None,
        )

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def level_name(self) -> str:
        known = [name for name, level in LEVELS.items() if level <= self.level]
        return known[-1] if known else "debug"


def _written(text: str) -> str:
    """As JSON can hold it: half a character, such as in the name of a broken file, is a "?"."""
    return text.encode(errors="replace").decode()


def _process() -> str:
    """Which program of the stack it is, as its command line says."""
    program = Path(sys.argv[0] or "python")
    name = program.parent.name if program.stem == "__main__" else program.stem
    for told in sys.argv[1:]:
        # `celery ... worker`, `manage.py sync_history`
        if told in ("worker", "beat") or (name == "manage" and not told.startswith("-")):
            name = told
            break
    return f"{'web' if name == 'daphne' else name} {os.getpid()}"


class Wanted(msgspec.Struct, frozen=True):
    """Empty: all."""

    level: int = LEVELS["info"]
    agent: str = ""
    account: int | None = None
    text: str = ""

    def takes(self, entry: Entry) -> bool:
        return (
            entry.level >= self.level
            and (not self.agent or entry.agent == self.agent or self.agent in entry.text)
            and (self.account is None or self._is_of_account(entry))
            and (not self.text or self.text.casefold() in entry.text.casefold())
        )

    def _is_of_account(self, entry: Entry) -> bool:
        if entry.account is not None:
            return entry.account == self.account
        words = "".join(c if c.isdigit() else " " for c in entry.text).split()
        return str(self.account) in words
