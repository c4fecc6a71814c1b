"""What the simulated venue was sent and what it executed: the judge of every test of trading.

It belongs to the venue and outlives the agents on it. Entries are only ever added. In a file, it
outlives the process too, and the venue's positions come back from it.
"""

import json
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Ledger:
    """Three kinds of entries, numbered from 1.

    `send`: one call of `order_send`, with the agent that made it, the login, its server, tag,
    magic, the request, and `due`, the second of an execution yet to come, if one is.
    `answer`: what that call (`send`) returned; a `retcode` of None is no result.
    `execution`: a deal, new levels, or a new ticket, on `login`: the `deal` and the `position` as
    it is now, or None when it is closed. `send` is None when the broker did it by itself.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self.entries: list[Entry] = []
        if path is not None and path.exists():
            lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
            # A process killed while writing leaves half a line, of something not yet done.
            self.entries = [json.loads(line) for line in lines if line.endswith("\n")]
            path.write_text("".join(line for line in lines if line.endswith("\n")), "utf-8")

    def append(self, kind: str, at: float, **content: Any) -> int:
        """The number of the new entry."""
        entry = {"number": len(self.entries) + 1, "kind": kind, "at": round(at, 3), **content}
        self.entries.append(entry)
        if self.path is not None:
            # Handed to the system at once, so that it survives the end of the process.
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        return len(self.entries)

    def of_agent(self, index: int) -> list[Entry]:
        """What agent `index` sent, the answers, and what was executed for it."""
        sends = {e["number"] for e in self.entries if e["kind"] == "send" and e["agent"] == index}
        return [
            entry
            for entry in self.entries
            if entry["number"] in sends or entry.get("send") in sends or entry["agent"] == index
        ]

    def unfinished(self) -> list[Entry]:
        """Sends whose execution was still to come."""
        done = {entry.get("send") for entry in self.entries if entry["kind"] == "execution"}
        sends = (entry for entry in self.entries if entry["kind"] == "send")
        return [entry for entry in sends if entry["due"] and entry["number"] not in done]
