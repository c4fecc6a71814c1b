"""Settings as they are declared: once each, where they are read.

docs/operations/settings.md is written from these declarations by `manage.py settings_page`.
"""

from dataclasses import dataclass
from enum import StrEnum


class Group(StrEnum):
    """A heading of the settings page; the page has them in this order."""

    SITE = "Pages and files"
    DATABASE = "Database"
    VALKEY = "Valkey"
    KEYS = "Keys and identity"
    SIGN_IN = "Signing in"
    PROCESSES = "Processes and logs"
    AGENTS = "Requests to agents"
    QUOTAS = "What an agent can have written"
    POLLING = "Polling"
    TRADING = "Trading"
    API = "The JSON API"
    LIVE = "Live pages and events"
    EXPORTS = "Exports and Google Sheets"
    DEMO = "The demo"


@dataclass(frozen=True, slots=True)
class Setting:
    """`accepts` and `default` are words for a reader; `help` is plain English, with a full stop."""

    name: str
    group: Group
    accepts: str
    default: str
    help: str


DECLARED: dict[str, Setting] = {}


def declare(setting: Setting) -> None:
    """Add the setting to DECLARED. Raises ValueError for a name that was declared differently."""
    if DECLARED.setdefault(setting.name, setting) != setting:
        raise ValueError(f"The setting {setting.name} is declared twice.")
