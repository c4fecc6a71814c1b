"""What the ledger of the demo's venue says of our orders: it outlives every kill of an agent."""

import json
from pathlib import Path
from typing import Any

from agent.constants import Constants

Entry = dict[str, Any]
UNMARKED = {"Close position", ""}  # what agents of contract 1 write on a close, and on new levels


def read(state_dir: Path) -> list[Entry]:
    path = state_dir / "fleet" / "seed-1" / "ledger.jsonl"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    # One that is being written, or never will be, has no end yet.
    return [json.loads(line) for line in lines if line.endswith("\n")]


def is_shared(order: Any) -> bool:
    """Contract 1 marks what it opens and nothing else: there the ticket tells, which several orders
    may have asked to close or to change."""
    return bool(order.contract == "1" and order.kind != "open")


class Judge:
    def __init__(self, entries: list[Entry]) -> None:
        self.sends = [entry for entry in entries if entry["kind"] == "send"]
        executions = [entry for entry in entries if entry["kind"] == "execution"]
        self.done = {entry["send"]: entry for entry in executions}

    def calls(self, order: Any) -> list[Entry]:
        if not is_shared(order):
            return [send for send in self.sends if send["tag"] == order.tag]
        levels = order.kind == "modify"
        return [
            send
            for send in self.sends
            if send["tag"] in UNMARKED
            and (send["login"], send["request"]["position"]) == (order.login, order.position)
            and (send["request"]["action"] == Constants.TRADE_ACTION_SLTP) == levels
        ]

    def executed(self, order: Any) -> int:
        return sum(send["number"] in self.done for send in self.calls(order))

    def opened(self, order: Any) -> int | None:
        """Ticket of the position that it opened."""
        for send in self.calls(order) if order.kind == "open" else ():
            if execution := self.done.get(send["number"]):
                return int(execution["position"]["ticket"])
        return None

    def is_doubled(self, order: Any) -> bool:
        return self.executed(order) > 1 or (len(self.calls(order)) > 1 and not is_shared(order))

    def is_lost(self, order: Any) -> bool:
        """Whether its row says another thing than the ledger."""
        from trading.states import EXECUTED, WITHOUT_EXECUTION

        executed = self.executed(order)
        if executed:
            return order.state in WITHOUT_EXECUTION and not is_shared(order)
        return order.state in EXECUTED

    def strangers(self, orders: list[Any]) -> int:
        """Calls that no order of ours made."""
        known = {order.tag for order in orders}
        return sum(
            send["tag"] not in known and not (send["agent"] % 2 and send["tag"] in UNMARKED)
            for send in self.sends
        )
