"""What was taken, changed, kept and skipped, and why: the lines that planning writes down."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from mt5monitor.terminal import table
from mt5monitor.text import clean

LONGEST = 400


class Done(StrEnum):
    TAKEN = "taken"
    CHANGED = "changed"
    KEPT = "kept"
    SKIPPED = "skipped"


class Kind(StrEnum):
    FILES = "Files"
    AGENTS = "Agents"
    ACCOUNTS = "Accounts"
    PHASES = "Phases"
    GROUPS = "VS groups"
    VERSUS = "Versus"
    TRADES = "Closed trades"


@dataclass(frozen=True, slots=True)
class Line:
    """`done` is empty for what is neither, such as a file that is not there; `count`: of things
    that one line stands for."""

    what: str
    done: Done | None
    why: str
    count: int = 1


@dataclass
class Report:
    lines: dict[Kind, list[Line]] = field(default_factory=dict)
    alarms: list[str] = field(default_factory=list)
    """What somebody has to do before the original is switched off."""

    def add(self, kind: Kind, what: object, done: Done | None, why: str, count: int = 1) -> None:
        if count:
            line = Line(clean(str(what), 80), done, clean(why, LONGEST), count)
            self.lines.setdefault(kind, []).append(line)

    def alarm(self, text: str) -> None:
        self.alarms.append(clean(text, LONGEST))

    def count(self, done: Done, kind: Kind | None = None) -> int:
        kinds = [kind] if kind else list(self.lines)
        return sum(
            line.count for key in kinds for line in self.lines.get(key, ()) if line.done == done
        )

    def text(self) -> str:
        return "\n".join(self._parts())

    def _parts(self) -> Iterator[str]:
        for kind in Kind:
            if lines := self.lines.get(kind):
                rows = [(line.what, _done(line), line.why) for line in lines]
                yield table([kind.value, "Done", "What, or why"], rows)
        if self.alarms:
            yield "BEFORE YOU SWITCH THE ORIGINAL OFF"
            yield from (f"! {alarm}" for alarm in self.alarms)
            yield ""

    def totals(self) -> str:
        counted = Counter({done: self.count(done) for done in Done})
        return ", ".join(f"{counted[done]} {done}" for done in Done) + "."


def _done(line: Line) -> str:
    done = line.done or "-"
    return f"{line.count} {done}" if line.count > 1 else str(done)
