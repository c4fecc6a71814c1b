"""Finds what was committed and never published, because the process that did it died in between:
the database is the truth."""

import logging
import time

from accounts.live.changes import Batch
from accounts.live.events import Event
from accounts.live.heartbeat import Reading
from accounts.live.journals import journals
from accounts.live.message import Note
from accounts.live.publisher import publisher
from accounts.live.versions import Versions

log = logging.getLogger(__name__)


class Healer:
    """Compares what arrived here since it was made with what the database says."""

    def __init__(self) -> None:
        now = time.time()
        self._accounts, self._agents = Versions(now), Versions(now)
        self._journals = [journal() for journal in journals]

    def arrived(self, event: Event) -> None:
        for journal in self._journals:
            journal.arrived(event)

    def read(self, note: Note) -> None:
        """These rows were read and published."""
        for number in note.accounts:
            self._accounts.accept(number, note.at)
        for pk in note.agents:
            self._agents.accept(pk, note.at)

    def heal(self, reading: Reading) -> None:
        """Publish the accounts and agents that changed without an event, once each."""
        accounts = self._accounts.missing(reading.accounts)
        agents = self._agents.missing(reading.agents)
        for versions, missing, changed in (
            (self._accounts, accounts, reading.accounts),
            (self._agents, agents, reading.agents),
        ):
            for key in missing:
                versions.accept(key, changed.get(key, time.time()))
        if accounts or agents:
            log.info("live: %d rows changed and no event came", len(accounts) + len(agents))
            publisher().submit(Batch(accounts=accounts, agents=agents))

    async def heal_journals(self, after: float) -> None:
        """What no event told cannot be published any more in its order: clients read it again.
        Nothing was to be told before `after`, unix seconds."""
        missing = sum([await journal.count_missing(after) for journal in self._journals])
        if missing:
            log.warning("%d changes were not published: API clients read everything again", missing)
            publisher().lose()
