"""Publishing what a transaction changes: all of it together, after commit. Never raises, never
waits: what is read, rendered and written is left to the process's Publisher."""

from collections.abc import Iterable

from django.db import transaction

from accounts.live.changes import Batch, Build
from accounts.live.publisher import publisher


def publish_accounts(numbers: Iterable[int], *, added: bool = False) -> None:
    """Publish these accounts once the current transaction has committed.

    `added`: there is something of these accounts that no list can have yet; all but the pages of
    one account are read again.
    """
    published = set(numbers)
    _publish(Batch(accounts=published, added=published if added else set()))


def publish_agents(ids: Iterable[int]) -> None:
    """Publish these agents, and their accounts, whose rows show the agent's state."""
    _publish(Batch(agents=set(ids)))


def publish_note(name: str) -> None:
    """Have every open page receive, after commit, the event `live:name`: something that is no row
    was changed."""
    _publish(Batch(notes={name}))


def publish_event(build: Build) -> None:
    """Send API clients, after commit, what `build` makes then; pages receive nothing of it."""
    _publish(Batch(builds=[build]))


class _Waiting(Batch):
    """What one transaction publishes; called when it has committed."""

    def __call__(self) -> None:
        publisher().submit(self)


def _publish(batch: Batch) -> None:
    """Add to the batch of the current transaction. One that was begun in a savepoint that has
    ended since is as good as one of now: it lives as long as the transaction, and publishing a
    row that did not change in the end is harmless."""
    if not batch:
        return
    for _, waiting, _ in transaction.get_connection().run_on_commit:
        if isinstance(waiting, _Waiting):
            waiting.add(batch)
            return
    waiting = _Waiting()
    waiting.add(batch)
    transaction.on_commit(waiting)
