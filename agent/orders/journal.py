"""The journal of an agent's orders: append-only, on disk, synced before an order is sent.

One SQLite file for one agent, open in one process at a time. Every step of an order is a row that
nothing changes or removes, the database itself included; what is known of an order is read from
its rows in turn.
"""

import contextlib
import json
import os
import secrets
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from agent.orders.request import OrderRequest
from agent.orders.result import Evidence, Result, result_of
from agent.problem import Refusal

Step = Literal["refused", "begun", "withheld", "result", "found", "searched"]

_SCHEMA = """
CREATE TABLE about (id TEXT NOT NULL, since_ms INTEGER NOT NULL) STRICT;
CREATE TABLE entries (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tag TEXT NOT NULL CHECK (length(tag) BETWEEN 1 AND 26),
    step TEXT NOT NULL
        CHECK (step IN ('refused', 'begun', 'withheld', 'result', 'found', 'searched')),
    outcome TEXT NOT NULL CHECK (outcome IN ('done', 'partial', 'rejected', 'unknown')),
    at_ms INTEGER NOT NULL,
    content TEXT NOT NULL
) STRICT;
CREATE INDEX of_tag ON entries (tag, number);
CREATE INDEX open_ends ON entries (at_ms) WHERE outcome = 'unknown';
CREATE UNIQUE INDEX once_begun ON entries (tag) WHERE step IN ('refused', 'begun');
CREATE UNIQUE INDEX once_answered ON entries (tag) WHERE step IN ('withheld', 'result');
CREATE UNIQUE INDEX once_found ON entries (tag) WHERE step = 'found';
CREATE TRIGGER no_change BEFORE UPDATE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER no_removal BEFORE DELETE ON entries
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
PRAGMA user_version = 1;
"""
_UNRESOLVED = """
SELECT DISTINCT tag FROM entries AS open WHERE outcome = 'unknown' AND at_ms >= ?
AND NOT EXISTS (SELECT 1 FROM entries WHERE tag = open.tag AND outcome <> 'unknown') ORDER BY number
"""


class JournalError(Exception):
    """The journal cannot be opened, read or written; the text says why."""


class TagTaken(JournalError):
    """The journal has this tag already."""


@dataclass(slots=True)
class Record:
    """What the journal knows of one order. `order` is its canonical text.

    `problem` is why it was not sent; `result` is what is known of it once it was, None while it
    is being sent, and for ever when the process died meanwhile and nothing was found.
    """

    tag: str
    order: str
    received_ms: int
    login: int | None = None
    server: str | None = None
    begun_ms: int | None = None
    settled_ms: int | None = None
    sent: dict[str, Any] | None = None
    identifier: int | None = None
    """Of the position that it is about, when that was known before it was sent."""
    problem: Refusal | None = None
    result: Result | None = None
    evidence: dict[str, Any] | None = None

    @property
    def resolved(self) -> bool:
        known = self.result is not None and self.result.outcome != "unknown"
        return known or self.problem is not None


class Journal:
    """Raises `JournalError` when the file cannot be used. May be called from any thread."""

    def __init__(self, path: Path, now_ms: int) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            self.made = _make_private(path)
            # Autocommit: every append is a transaction of its own, synced when it returns.
            self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self.id, self.since_ms = self._prepare(now_ms)
            except BaseException:
                self._database.close()
                raise
        except (OSError, sqlite3.Error) as error:
            raise JournalError(_plain(error)) from error

    def record(self, tag: str) -> Record | None:
        """What is known of an order, None for a tag that was never seen."""
        rows = self._ask(
            "SELECT step, at_ms, content FROM entries WHERE tag = ? ORDER BY number", tag
        )
        return _fold(tag, rows)

    def unresolved(self, since_ms: int) -> list[str]:
        """The tags of orders that may have executed, for all that is known."""
        return [tag for (tag,) in self._ask(_UNRESOLVED, since_ms)]

    def refuse(self, order: OrderRequest, problem: Refusal, at_ms: int) -> None:
        content = {"order": order.canonical(), "problem": _problem(problem)}
        self._append(order.tag, "refused", "rejected", at_ms, content)

    def begin(
        self,
        order: OrderRequest,
        login: int,
        server: str,
        sent: dict[str, Any],
        at_ms: int,
        identifier: int | None = None,
    ) -> None:
        """On disk when this returns: from here on the order counts as sent."""
        content = {"order": order.canonical(), "login": login, "server": server, "sent": sent}
        content |= {"identifier": identifier}
        self._append(order.tag, "begun", "unknown", at_ms, content)

    def withhold(self, tag: str, problem: Refusal, at_ms: int) -> None:
        """The order was begun and then not sent after all."""
        self._append(tag, "withheld", "rejected", at_ms, {"problem": _problem(problem)})

    def settle(self, tag: str, result: Result, at_ms: int) -> None:
        self._append(tag, "result", result.outcome, at_ms, {"result": result.content()})

    def find(self, tag: str, result: Result, evidence: Evidence) -> None:
        content = {"result": result.content(), "evidence": evidence.content()}
        self._append(tag, "found", result.outcome, evidence.at_ms, content)

    def note_search(self, tag: str, evidence: Evidence) -> None:
        """A search that settled nothing."""
        content = {"evidence": evidence.content()}
        self._append(tag, "searched", "unknown", evidence.at_ms, content)

    def close(self) -> None:
        with self._lock:
            self._database.close()

    def _append(
        self, tag: str, step: Step, outcome: str, at_ms: int, content: dict[str, Any]
    ) -> None:
        text = json.dumps(content, separators=(",", ":"))
        try:
            with self._lock:
                self._database.execute(
                    "INSERT INTO entries (tag, step, outcome, at_ms, content)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (tag, step, outcome, at_ms, text),
                )
        except sqlite3.IntegrityError as error:
            raise TagTaken(_plain(error)) from error
        except sqlite3.Error as error:
            raise JournalError(_plain(error)) from error

    def _ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        try:
            with self._lock:
                return self._database.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise JournalError(_plain(error)) from error

    def _prepare(self, now_ms: int) -> tuple[str, int]:
        """Take the file for this process alone and give its identity, a new one when it is new."""
        run = self._database.execute
        run("PRAGMA locking_mode = EXCLUSIVE")
        run("PRAGMA journal_mode = WAL")
        run("PRAGMA synchronous = FULL")
        # In this mode the first write takes the lock of the file and keeps it.
        run("BEGIN IMMEDIATE")
        version = run("PRAGMA user_version").fetchone()[0]
        run("COMMIT")
        if version == 0:
            self._database.executescript(f"BEGIN IMMEDIATE;{_SCHEMA}")
            run("INSERT INTO about (id, since_ms) VALUES (?, ?)", (secrets.token_hex(8), now_ms))
            run("COMMIT")
        elif version != 1:
            raise sqlite3.DatabaseError(f"it is of version {version}, and this agent knows 1")
        if (said := run("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise sqlite3.DatabaseError(f"it is damaged: {said}")
        identity: tuple[str, int] = run("SELECT id, since_ms FROM about").fetchone()
        return identity


def _fold(tag: str, rows: Iterable[tuple[Step, int, str]]) -> Record | None:
    record: Record | None = None
    for step, at_ms, text in rows:
        content = json.loads(text)
        if record is None:
            record = Record(tag, content["order"], at_ms)
        if step == "begun":
            record.login, record.server = content["login"], content["server"]
            record.sent, record.begun_ms = content["sent"], at_ms
            record.identifier = content.get("identifier")
        if "problem" in content:
            record.problem, record.settled_ms = Refusal(**content["problem"]), at_ms
        if "result" in content:
            record.result, record.settled_ms = result_of(content["result"]), at_ms
        record.evidence = content.get("evidence", record.evidence)
    return record


def _problem(problem: Refusal) -> dict[str, Any]:
    return {
        "status": problem.status,
        "type_": problem.type,
        "title": problem.title,
        "detail": problem.detail,
    }


def _make_private(path: Path) -> bool:
    """Make an empty file for its owner alone when there is none; True when it was made.

    SQLite gives its side files the mode of the file they belong to.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        return False
    # A file whose name is not on disk is gone after a power cut. Windows has no such call.
    with contextlib.suppress(PermissionError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    return True


def _plain(error: Exception) -> str:
    if "locked" in str(error):
        return "another program, perhaps another agent, has it open"
    return str(error)
