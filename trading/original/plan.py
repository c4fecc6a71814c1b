"""What the import will write. Planning reads rows and asks agents; it writes nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from accounts.agents import ClosedPosition
from accounts.models import Account, Agent, Phase
from trading.models import Versus


@dataclass(frozen=True, slots=True)
class PhaseEdit:
    """`before`: primary key of the phase that the account has now."""

    number: int
    before: int | None
    phase: Phase


@dataclass(frozen=True, slots=True)
class GroupEdit:
    """`before`: primary key of the group that the account is in now."""

    number: int
    before: int | None
    name: str


@dataclass(frozen=True, slots=True)
class NewVersus:
    """`original`: its id there; `told`: what its timeline says of where it came from."""

    original: str
    versus: Versus
    told: str


@dataclass
class Plan:
    agents: list[Agent] = field(default_factory=list)
    accounts: dict[int, Account] = field(default_factory=dict)
    """Rows to be made, by number, each in its phase."""
    phases: list[PhaseEdit] = field(default_factory=list)
    groups: list[GroupEdit] = field(default_factory=list)
    """In the order in which they may be made."""
    versus: list[NewVersus] = field(default_factory=list)
    trades: dict[int, Sequence[ClosedPosition]] = field(default_factory=dict)
    """By number of the account."""
