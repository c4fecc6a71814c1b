"""Events into the stream, after commit, by whoever committed. Never raises, never waits long.

What could not be written is remembered, and as soon as Valkey answers a new epoch makes all
programs read anew.
"""

import asyncio
import concurrent.futures
import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence

from accounts.events import stream
from accounts.events.stream import Item
from mt5monitor import loop
from mt5monitor.database import FAULTS, reconnect
from mt5monitor.valkey import Backoff

log = logging.getLogger(__name__)

Build = Callable[[], Iterable[Item]]
"""Makes the items of a transaction that has committed; it may query, and is not called when nobody
listens."""


class Writer:
    """The one of this process; used from any thread."""

    def __init__(self) -> None:
        self.lost = 0  # commits that were not told since writing failed
        self._lock = threading.Lock()
        self._mending: concurrent.futures.Future[None] | None = None

    def tell(self, accounts: set[int], agents: set[int], builds: Sequence[Build]) -> None:
        if self.lost:
            self.lose()  # one new epoch stands for everything, until it is through
            return
        try:
            if stream.is_listened_to():
                stream.write(_items(accounts, agents, builds))
        except stream.ERRORS as error:
            log.warning("Programs are not told of changes: Valkey is away (%s)", error)
            self.lose()
        except Exception as error:
            # The change itself is committed and its caller has nothing to repair.
            log.exception("Programs could not be told of a change; they will read anew")
            if isinstance(error, FAULTS):
                reconnect()  # for what else the caller does
            self.lose()

    def lose(self) -> None:
        """Has all programs read anew, as soon as that can be said."""
        with self._lock:
            self.lost += 1
            if self._mending is not None and not self._mending.done():
                return
            try:
                self._mending = loop.submit(self._mend())
            except RuntimeError:
                log.warning("Programs are not told of a change: this process is ending")

    async def _mend(self) -> None:
        backoff = Backoff()
        while not await self._is_mended():
            await asyncio.sleep(backoff.after_failure())
        log.info("Programs were told to read anew")

    async def _is_mended(self) -> bool:
        covered = self.lost
        try:
            await asyncio.to_thread(stream.break_off)  # no database: any thread will do
        except stream.ERRORS:
            return False
        except Exception:
            log.exception("Programs could not be told to read anew; it is tried again")
            return False
        with self._lock:
            if covered != self.lost:
                return False  # lost while the new epoch was under way: newer than what is read
            self.lost, self._mending = 0, None
        return True


def _items(accounts: set[int], agents: set[int], builds: Sequence[Build]) -> list[Item]:
    # Not at the top: the API's own libraries are for those processes that tell somebody.
    from accounts.events import payloads

    items: list[Item] = [*payloads.of_accounts(accounts, agents), *payloads.of_agents(agents)]
    for build in builds:
        items += build()
    return items


_writer = Writer()


def tell(accounts: Iterable[int], agents: Iterable[int], builds: Sequence[Build]) -> None:
    """Of rows that a transaction changed, as they are now that it has committed."""
    _writer.tell(set(accounts), set(agents), builds)


def writer() -> Writer:
    return _writer


def _forget_parents_writer() -> None:
    """A forked child has none of its parent's threads."""
    global _writer
    _writer = Writer()


os.register_at_fork(after_in_child=_forget_parents_writer)
