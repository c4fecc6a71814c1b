"""One order on its way through the terminal's thread."""

import threading
from collections.abc import Callable
from enum import Enum

from agent.orders.journal import Record
from agent.orders.request import OrderRequest
from agent.records import MetaTrader5


class Stage(Enum):
    WAITING = "waiting"
    SENDING = "sending"
    ABANDONED = "abandoned"


class Job:
    """Either the order begins to be sent or it is given up, never both: decided under a lock."""

    def __init__(
        self,
        order: OrderRequest,
        received_ms: int,
        execute: Callable[[MetaTrader5, "Job"], Record],
        ended: Callable[["Job"], None],
    ) -> None:
        self.order, self.received_ms = order, received_ms
        self.execute, self.ended = execute, ended
        self.stage = Stage.WAITING
        self.over = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, mt5: MetaTrader5) -> Record:
        try:
            return self.execute(mt5, self)
        finally:
            self.ended(self)
            self.over.set()

    def begin(self) -> bool:
        """False for an order that was given up: it must not be sent."""
        return self._leave_waiting(Stage.SENDING)

    def abandon(self) -> bool:
        """False for an order that may have been sent already."""
        return self._leave_waiting(Stage.ABANDONED)

    def record(self) -> Record:
        """Of an order that the journal has not heard of yet."""
        return Record(self.order.tag, self.order.canonical(), self.received_ms)

    def _leave_waiting(self, after: Stage) -> bool:
        with self._lock:
            if self.stage is not Stage.WAITING:
                return False
            self.stage = after
            return True
