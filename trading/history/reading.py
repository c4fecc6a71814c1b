"""Asking an agent for the history of its account, in windows that it can answer."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from accounts.agents import DealsReading
from accounts.agents.errors import TooLarge
from accounts.models import Account
from trading import wire

BEGINNING = datetime(2010, 1, 1, tzinfo=UTC)
"""No account of MT5 is older than MT5."""
MARGIN = timedelta(days=1)
"""Broker clocks differ, and are changed twice a year."""
LONGEST = timedelta(days=399)
"""Agents of contract 2 refuse more than 400 days."""
SHORTEST = timedelta(minutes=1)
SPANS = (timedelta(days=365), timedelta(days=90), timedelta(days=30), timedelta(days=7))


def deals(
    account: Account, since: datetime, until: datetime
) -> Iterator[tuple[DealsReading, datetime]]:
    """With contract 2: all there are between the two, the oldest first, each answer with the time
    that it reaches to. Raises AgentError."""
    while since < until:
        end = min(since + LONGEST, until)
        yield from _window(account, since, end)
        since = end


def _window(
    account: Account, since: datetime, until: datetime
) -> Iterator[tuple[DealsReading, datetime]]:
    """In two halves when one answer cannot hold it."""
    try:
        reading = wire.history(account, since, until)
    except TooLarge:
        if until - since <= SHORTEST:
            raise
        middle = since + (until - since) / 2
        yield from _window(account, since, middle)
        yield from _window(account, middle, until)
        return
    yield reading, until


def closed(account: Account, since: datetime) -> DealsReading:
    """With contract 1, which tells all from a day to now at once. Raises AgentError."""
    return wire.history(account, since, since)


def all_closed(account: Account, now: datetime) -> tuple[DealsReading, bool]:
    """With contract 1: all of it, and whether it is all. As much as one answer holds when it is
    too long for one: nothing else can be asked. Raises AgentError."""
    try:
        return closed(account, BEGINNING), True
    except TooLarge:
        for span in SPANS[:-1]:
            try:
                return closed(account, now - span), False
            except TooLarge:
                continue
        return closed(account, now - SPANS[-1]), False
