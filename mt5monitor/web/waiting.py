"""Connections that have not sent a whole request: each costs a file of the process."""

import resource
from typing import Final, Protocol

MOST: Final = 10_000


class Connection(Protocol):
    def cut(self) -> None: ...


class Waiting:
    """Those of one process, the one that has waited for longest first. Whoever opens ever more of
    them loses the oldest, and keeps no one else out."""

    def __init__(self) -> None:
        # Half of the files stay for connections that are at work.
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.most = MOST if soft == resource.RLIM_INFINITY else min(MOST, soft // 2)
        self._connections: dict[Connection, None] = {}

    def __len__(self) -> int:
        return len(self._connections)

    def add(self, connection: Connection) -> None:
        self._connections[connection] = None
        if len(self._connections) > self.most:
            oldest = next(iter(self._connections))
            self.remove(oldest)
            oldest.cut()

    def remove(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
