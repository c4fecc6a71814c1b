"""The files of the original: what stands in them, before anybody asks what it means here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PureWindowsPath
from typing import Any

from accounts.agent_import import ImportRefused, Item, Source, read
from trading.original.envfile import Variable, variables
from trading.original.report import Kind, Report
from trading.original.strict import Stopped, kind, parsed, text_of

AGENTS, PHASE_FILE = "VPS_AGENTS_JSON", "PHASE_DATA_FILE"
FOLDERS = ("data", "app")
ENV_MOST, DATA_MOST, TRADES_MOST = 1_000_000, 8_000_000, 128_000_000
PHASES, GROUPS, VERSUS, TRADES = (
    "phases.json",
    "vs_data.json",
    "versus_data.json",
    "trade_cache.json",
)


@dataclass
class Original:
    """Data files that are not there are empty."""

    agents: list[Item] = field(default_factory=list)
    phases: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Any] = field(default_factory=dict)
    versus: Mapping[str, Any] = field(default_factory=dict)
    trades: Mapping[str, Any] = field(default_factory=dict)


def read_all(env: Path, data: Path, report: Report) -> Original:
    """Raises Stopped."""
    told = {variable.name: variable for variable in variables(text_of(env, ENV_MOST))}
    if not data.is_dir():
        raise Stopped(f"{data}: no such folder. Name the one in which {PHASES} lies.")
    return Original(
        agents=_agents(told.get(AGENTS), env, report),
        phases=_object(_phase_file(told.get(PHASE_FILE), data), DATA_MOST, report),
        groups=_object(_found(data, GROUPS), DATA_MOST, report),
        versus=_object(_found(data, VERSUS), DATA_MOST, report),
        trades=_object(_found(data, TRADES), TRADES_MOST, report),
    )


def _found(data: Path, name: str) -> Path:
    """In the folder that was named or beside it: the original keeps its cache of trades in `app`,
    all else in `data`, and either of them, or the folder around both, may be named."""
    named = data.absolute()
    around = named.parent if named.name in FOLDERS else named
    places = [data / name, *(around / folder / name for folder in FOLDERS)]
    return next((path for path in places if path.exists()), data / name)


def _agents(told: Variable | None, env: Path, report: Report) -> list[Item]:
    if told is None:
        raise Stopped(f"{env}: {AGENTS} is not set there. Is it the original's file?")
    where = f"{env}, {AGENTS} (line {told.line})"
    if not told.is_whole and told.value[:1] in ("'", '"'):
        raise Stopped(f"{where}: its quotes do not close. Put the whole list in single quotes.")
    if not told.value or parsed(_from_its_line(told), str(env)) == []:
        report.add(Kind.FILES, env.name, None, f"{AGENTS} is empty: there are no agents to take")
        return []
    try:
        items = read(told.value, Source(contract="1"))
    except ImportRefused as error:
        raise Stopped("\n".join(f"{where}: {line}" for line in str(error).splitlines())) from error
    report.add(Kind.FILES, env.name, None, f"{len(items)} agent{'s' * (len(items) > 1)}")
    return items


def _from_its_line(told: Variable) -> str:
    """So that an error names the line of the file."""
    return "\n" * (told.line - 1) + told.value


def _phase_file(told: Variable | None, data: Path) -> Path:
    """The original may have been told another name for it, in a folder of its own machine."""
    name = PureWindowsPath(told.value).name if told else ""
    own = _found(data, name) if name else data
    return own if own.is_file() else _found(data, PHASES)


def _object(path: Path, most_bytes: int, report: Report) -> Mapping[str, Any]:
    if not path.exists():
        report.add(Kind.FILES, path.name, None, "not there, so nothing is taken from it")
        return {}
    found = parsed(text_of(path, most_bytes), str(path))
    if not isinstance(found, dict):
        text = f"{path}: must be an object such as {{...}}, not {kind(found)}."
        raise Stopped(f"{text} Is it the original's file?")
    report.add(Kind.FILES, path.name, None, f"{len(found)} entr{'y' if len(found) == 1 else 'ies'}")
    return found
