"""The file that agents are imported from, in the formats of the original system.

    [{"name": "vps-1", "url": "http://10.0.0.5:8000"}, ...]
    {"agents": [{"name": "vps-1", "port": 8001, "display_name": ..., "account_holder": ...,
                 "prop_firm": ..., "initial_balance": ...}, ...]}      with a host

All that is wrong with a file is said at once, by item and field.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from accounts.agents import check_url
from accounts.agents.errors import AddressNotAllowed
from accounts.models import Agent
from mt5monitor.text import clean

PROBLEMS_SHOWN = 20
MONEY_MOST = 10**13  # as of agents
FINEST = Decimal("0.00000001")
# What the original system writes where it knows nothing.
NOT_TOLD = ("", "unknown", "n/a", "none", "null")
FIELDS: dict[str, Any] = {field.name: field for field in Agent._meta.concrete_fields}


class ImportRefused(ValueError):
    """The file cannot be imported; nothing was. `problems` says why, a sentence each."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        more = len(problems) - PROBLEMS_SHOWN
        shown = [*problems[:PROBLEMS_SHOWN], *([f"... and {more} more."] if more > 0 else [])]
        super().__init__("\n".join(shown))


@dataclass(frozen=True)
class Source:
    """What a file does not tell about its agents: where their ports are, what they speak."""

    host: str = ""
    scheme: str = "http"
    contract: str = Agent.Contract.V1.value


@dataclass(frozen=True)
class Item:
    """One agent of the file: `values` holds what the file tells, by column of Agent."""

    place: str
    values: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.values["name"])

    @property
    def url(self) -> str:
        return str(self.values["url"])


def read(text: str, source: Source) -> list[Item]:
    """The agents of the file, each checked by itself and against the others."""
    problems: list[str] = []
    items = [_item(place, raw, source, problems) for place, raw in _entries(_parse(text))]
    whole = [item for item in items if item is not None]
    problems += _repeated(whole, "name") + _repeated(whole, "url")
    if problems:
        raise ImportRefused(problems)
    return whole


def _parse(text: str) -> Any:
    try:
        return json.loads(
            text.removeprefix("\ufeff"), parse_float=Decimal, parse_constant=_no_number
        )
    except (ValueError, RecursionError, InvalidOperation) as error:
        raise ImportRefused([f"This is not JSON: {clean(str(error), 200)}"]) from error


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is not a number")


def _entries(parsed: Any) -> Iterator[tuple[str, Any]]:
    """(where it stands in the file, the entry), items being counted from 1."""
    listed = parsed.get("agents") if isinstance(parsed, dict) else parsed
    if not isinstance(listed, list):
        raise ImportRefused(['The file must be a list of agents, or {"agents": [...]}.'])
    if not listed:
        raise ImportRefused(["The file holds no agents."])
    for number, entry in enumerate(listed, start=1):
        yield f"item {number}", entry


def _item(place: str, raw: Any, source: Source, problems: list[str]) -> Item | None:
    if not isinstance(raw, dict):
        problems.append(f"{place}: must be an object, not {_kind(raw)}.")
        return None
    found = len(problems)
    values: dict[str, Any] = {}
    for name, reader in READERS.items():
        try:
            value = reader(name, raw, source)
        except ValueError as error:
            problems.append(f"{place}: {error}")
            continue
        if value is not None:
            values[name] = value
    return Item(place, values) if len(problems) == found else None


def _repeated(items: list[Item], column: str) -> list[str]:
    first: dict[str, str] = {}
    problems = []
    for item in items:
        value = str(item.values[column])
        if value in first:
            problems.append(f"{item.place}: {column} {value!r} is that of {first[value]} too.")
        first.setdefault(value, item.place)
    return problems


# --- one field; each reader raises ValueError with a sentence that begins with the field -------


def _text(name: str, raw: dict[str, Any], source: Source) -> str | None:
    value = raw.get(name)
    if value is None or (isinstance(value, str) and value.strip().lower() in NOT_TOLD):
        return None
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text, not {_kind(value)}.")
    value = " ".join(value.split())
    if len(value) > FIELDS[name].max_length:
        raise ValueError(f"{name} is longer than {FIELDS[name].max_length} characters.")
    if clean(value, FIELDS[name].max_length) != value:
        raise ValueError(f"{name} holds characters that cannot be shown.")
    return value


def _name(name: str, raw: dict[str, Any], source: Source) -> str:
    value = _text(name, raw, source)
    if value is None:
        raise ValueError("name is missing.")
    return value


def _url(name: str, raw: dict[str, Any], source: Source) -> str:
    url = _text(name, raw, source) or _url_of_port(raw, source)
    url = normal_url(url)
    if len(url) > FIELDS["url"].max_length:
        raise ValueError(f"url is longer than {FIELDS['url'].max_length} characters.")
    try:
        check_url(url, settings.AGENTS["ALLOWED_NETWORKS"])
    except AddressNotAllowed as error:
        raise ValueError(f"url {clean(url, 100)!r}: {error.sentence}") from error
    return url


def _url_of_port(raw: dict[str, Any], source: Source) -> str:
    port = raw.get("port")
    if port is None:
        raise ValueError("url is missing, and there is no port either.")
    if not isinstance(port, int) or isinstance(port, bool):
        raise ValueError(f"port must be a whole number, not {_kind(port)}.")
    if not 1 <= port <= 65535:
        raise ValueError("port must be between 1 and 65535.")
    if not source.host:
        raise ValueError("url is missing: to use the port, the host must be given.")
    host = source.host.strip("[]")
    return f"{source.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def normal_url(url: str) -> str:
    """One spelling a place, so that the same agent is not added twice."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower()).geturl()
    except ValueError:
        return url


def _money(name: str, raw: dict[str, Any], source: Source) -> Decimal | None:
    """None where the file has null or 0: an account does not begin with nothing."""
    value = raw.get(name)
    if value is None:
        return None
    if not isinstance(value, int | Decimal) or isinstance(value, bool):
        raise ValueError(f"{name} must be a number, not {_kind(value)}.")
    if not 0 <= value <= MONEY_MOST:
        raise ValueError(f"{name} must be between 0 and {MONEY_MOST}.")
    return Decimal(value).quantize(FINEST) or None


READERS: dict[str, Callable[[str, dict[str, Any], Source], Any]] = {
    "name": _name,
    "url": _url,
    "display_name": _text,
    "account_holder": _text,
    "prop_firm": _text,
    "initial_balance": _money,
}


def _kind(value: Any) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false"}
    return "nothing" if value is None else kinds.get(type(value), "a number")
