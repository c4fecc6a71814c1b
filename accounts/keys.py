"""One account by what names it: its number, and where several accounts have that, more."""

from collections.abc import Iterable

from django.urls import register_converter

from accounts.models import Account, AccountQuerySet

NUMBER_AT_MOST = 2**63 - 1  # what the column holds


class Ambiguous(Exception):
    """Several accounts have the number, and none of them is taken for the one that is meant."""

    def __init__(self, accounts: list[Account]) -> None:
        self.accounts = accounts
        self.number = accounts[0].number
        super().__init__(f"Several accounts have number {self.number}: {_listed(accounts)}.")


def _listed(accounts: list[Account]) -> str:
    titles = (account.title.removeprefix(f"{account.number} (") for account in accounts)
    return " and ".join(title.removesuffix(")") for title in titles)


class Key:
    """In URLs: an account as Account.key names it, or by its bare number."""

    regex = "[0-9]+(?:-[0-9]+)?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str | int) -> str:
        return str(value)


register_converter(Key, "account")


def is_key(text: str) -> bool:
    parts = text.split("-")
    digits = (part.isascii() and part.isdecimal() and len(part) < 20 for part in parts)
    return len(parts) <= 2 and all(digits) and all(int(part) <= NUMBER_AT_MOST for part in parts)


def account_of(key: str, rows: AccountQuerySet, server: str | None = None) -> Account:
    """The one among the rows; `server` chooses among those of a number, "" the one without a known
    server. Raises Account.DoesNotExist, Ambiguous."""
    if not is_key(key):
        raise Account.DoesNotExist
    found = list(rows.of_key(key).order_by("pk"))
    if server is not None:
        found = [row for row in found if row.server.casefold() == server.casefold()]
    if not found:
        raise Account.DoesNotExist
    if len(found) > 1:
        raise Ambiguous(found)
    return found[0]


def accounts_of(keys: Iterable[str], rows: AccountQuerySet) -> dict[str, Account]:
    """By key; those that are not there are left out. Raises Ambiguous."""
    keys = list(keys)
    numbers = {int(key.partition("-")[0]) for key in keys if is_key(key)}
    known: dict[str, list[Account]] = {}
    for row in rows.filter(number__in=numbers).order_by("number", "pk"):
        for name in (str(row.number), f"{row.number}-{row.pk}"):
            known.setdefault(name, []).append(row)
    for key in keys:
        if len(known.get(key, ())) > 1:
            raise Ambiguous(known[key])
    return {key: known[key][0] for key in keys if key in known}
