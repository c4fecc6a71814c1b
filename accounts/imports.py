"""Agents from a file, in the formats of the original system: all of it or nothing.

    [{"name": "vps-1", "url": "http://10.0.0.5:8000"}, ...]
    {"agents": [{"name": "vps-1", "port": 8001, "display_name": ..., "account_holder": ...,
                 "prop_firm": ..., "initial_balance": ...}, ...]}      with a host

An item is matched to an agent by its name. What an item does not tell stays as it is.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from accounts.agents.addresses import check_url
from accounts.agents.errors import AddressNotAllowed
from accounts.agents.text import clean
from accounts.broadcast import publish_agents
from accounts.changes import write_changes
from accounts.models import Agent

PROBLEMS_SHOWN = 20
MONEY_MOST = 10**18 - 1
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


@dataclass
class Plan:
    """What an import does, or did."""

    added: list[Agent] = field(default_factory=list)
    changed: list[tuple[Agent, dict[str, Any]]] = field(default_factory=list)
    cleared: set[str] = field(default_factory=set)
    """Names of the agents whose secret goes with their old URL."""
    left: list[Agent] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """(name, URL, what is done) of each agent of the file, for a table."""
        for agent in self.added:
            yield agent.name, agent.url, "added"
        for agent, values in self.changed:
            what = ", ".join(str(FIELDS[name].verbose_name) for name in values)
            note = " (its secret is cleared)" if agent.name in self.cleared else ""
            yield agent.name, values.get("url", agent.url), f"changed: {what}{note}"
        for agent in self.left:
            yield agent.name, agent.url, "left"

    def counts(self) -> str:
        return f"{len(self.added)} added, {len(self.changed)} changed, {len(self.left)} left."


def import_agents(text: str, source: Source) -> Plan:
    """Adds and changes agents as the file says. Raises ImportRefused, and then does nothing."""
    items = read(text, source)
    try:
        with transaction.atomic():
            plan = compare(items, source)
            _apply(plan)
    except IntegrityError as error:
        raise ImportRefused(["Somebody else edited these agents just now; try again."]) from error
    return plan


def preview(text: str, source: Source) -> Plan:
    """What import_agents would do. Raises ImportRefused as it would."""
    return compare(read(text, source), source)


# --- the file ---------------------------------------------------------------------------------


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
    return Decimal(value).quantize(Decimal("0.01")) or None


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


# --- the rows ---------------------------------------------------------------------------------


def compare(items: list[Item], source: Source) -> Plan:
    """What differs from the agents that there are. Raises ImportRefused when two would clash."""
    by_name = {agent.name: agent for agent in Agent.objects.all()}
    by_url = {normal_url(agent.url): agent for agent in by_name.values()}
    problems = [
        f"{item.place}: url {item.url!r} is that of agent {owner.name}."
        for item in items
        if (owner := by_url.get(item.url)) is not None and owner.name != item.name
    ]
    if problems:
        raise ImportRefused(problems)
    plan = Plan()
    for item in items:
        agent = by_name.get(item.name)
        if agent is None:
            plan.added.append(Agent(**item.values, contract=source.contract))
        elif values := _differing(agent, item):
            plan.changed.append((agent, values))
            if "url" in values and agent.secret_encrypted is not None:
                plan.cleared.add(agent.name)
        else:
            plan.left.append(agent)
    return plan


def _differing(agent: Agent, item: Item) -> dict[str, Any]:
    values = {name: new for name, new in item.values.items() if getattr(agent, name) != new}
    if normal_url(agent.url) == item.url:
        values.pop("url", None)
    return values


def _apply(plan: Plan) -> None:
    if plan.added:
        bulk_create_with_history(plan.added, Agent)
    written = [(agent.pk, _set(agent, values)) for agent, values in plan.changed]
    write_changes(Agent, written)
    Agent.history.bulk_history_create([agent for agent, _ in plan.changed], update=True)
    publish_agents([agent.pk for agent in plan.added] + [pk for pk, _ in written])


def _set(agent: Agent, values: dict[str, Any]) -> dict[str, Any]:
    """Sets the values on the row; returns the columns to write, with what the URL entails."""
    columns = dict(values)
    for name, value in values.items():
        if name != "url":
            setattr(agent, name, value)
    if "url" in values:
        agent.move_to(values["url"])
        columns |= {
            "secret_encrypted": agent.secret_encrypted,
            "etag": agent.etag,
            "next_poll_at": timezone.now(),
        }
    return columns
