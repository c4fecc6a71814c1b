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
            text=redacted(" ".join(text.split()))[:LONGEST],
            agent=str(getattr(record, "agent", "")),
            account=account if isinstance(account, int) else None,
        )

    @property
    def time(self) -> datetime:
        return datetime.fromtimestamp(self.at, UTC)

    @property
    def level_name(self) -> str:
        known = [name for name, level in LEVELS.items() if level <= self.level]
        return known[-1] if known else "debug"


def _process() -> str:
    """Which program of the stack it is, as its command line says."""
    words = [Path(word).name for word in sys.argv[:3] if word and not word.startswith("-")]
    name = "web" if any("daphne" in word for word in words) else ""
    for known in ("worker", "beat"):
        name = known if known in sys.argv else name
    return f"{name or (words[0] if words else 'python')} {os.getpid()}"


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
