"""Lists in a sentence, such as account numbers."""

from collections.abc import Collection, Iterable
from typing import Final

from accounts.models import Account

NAMED: Final = 50  # a sentence with more is not read


def numbers(accounts: Collection[Account]) -> str:
    """Return "5001, 5002 and 5003"; of very many, the first ones and how many more."""
    ordered = sorted(accounts, key=lambda one: (one.number, one.pk))
    return listed([account.title for account in ordered])


def listed(shown: Collection[int | str]) -> str:
    """Return them with commas, and "and" before the last."""
    texts = [str(one) for one in shown]
    more = len(texts) - NAMED
    if more > 0:
        return f"{', '.join(texts[:NAMED])} and {more} more"
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def either(words: Iterable[str]) -> str:
    """Return them with commas, and "or" before the last."""
    *most, last = words
    return f"{', '.join(most)} or {last}" if most else last
