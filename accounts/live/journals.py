"""What API clients receive besides accounts and agents, and where that is written down in the
database: a process that dies between the commit and the event leaves it there, and nothing else
would tell.
"""

import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from channels.db import database_sync_to_async

from accounts.live.events import Event

LATE_S = 5.0  # publishers publish in their order, off the path of what has changed it
BACK_S = 60.0  # so long may it take until a client listens again: a web process may have died

Written = Mapping[Hashable, float]


@dataclass
class Journal:
    """`key`: what an event of this kind is about. `written`: about what there should have been one
    since a time, and when, in unix seconds."""

    kind: str
    key: Callable[[Event], Hashable]
    written: Callable[[datetime], Written]
    _arrived: dict[Hashable, float] = field(default_factory=dict)

    def arrived(self, event: Event) -> None:
        if event.kind == self.kind:
            key, at = self.key(event), event.read_at.timestamp()
            self._arrived[key] = max(at, self._arrived.get(key, at))

    async def count_missing(self, after: float = 0.0) -> int:
        """Return of how many things that were written after that time, in unix seconds, an event is
        missing; each is found once."""
        since = datetime.now(UTC) - timedelta(seconds=BACK_S)
        written = await database_sync_to_async(self.written)(since)
        self._arrived = {key: at for key, at in self._arrived.items() if at > since.timestamp()}
        # What has arrived was read after it was written.
        missing = {key: at for key, at in written.items() if self._arrived.get(key, 0) < at}
        late = {key: at for key, at in missing.items() if after < at < time.time() - LATE_S}
        self._arrived |= late
        return len(late)


journals: list[Callable[[], Journal]] = []
"""Makes one for a hub; apps add theirs when they are ready."""
