"""Shows changed rows to every open page: rendered once, sent once, after commit."""

from collections.abc import Iterable


def publish_accounts(numbers: Iterable[int]) -> None:
    """Renders these accounts' rows after the current transaction commits and sends one message."""
    raise NotImplementedError


def publish_agents(ids: Iterable[int]) -> None:
    """Renders these agents' rows and their accounts' rows after commit and sends one message."""
    raise NotImplementedError
