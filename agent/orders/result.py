"""What became of an order at the terminal, and what the terminal's records say of it."""

from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from agent.orders.retcodes import Outcome, retcode_name

Conclusion = Literal[
    "found", "absent", "working", "ambiguous", "unreadable", "disconnected", "another-login"
]


class Result(NamedTuple):
    """Figures that are not known are None; `volume` and `price` are those of the execution.

    `position` is a ticket, which brokers may change; `identifier` is the number that they do not.
    `external`: a close found its position closed by something else. `recovered`: figures of it are
    from the terminal's records, for its answer did not have them. `lacking`: it was executed, and
    the terminal has not said at what price or volume.
    """

    outcome: Outcome
    retcode: int | None = None
    order: int | None = None
    deal: int | None = None
    position: int | None = None
    volume: float | None = None
    price: float | None = None
    bid: float | None = None
    ask: float | None = None
    comment: str = ""
    message: str = ""
    external: bool = False
    recovered: bool = False
    lacking: bool = False
    identifier: int | None = None

    @property
    def complete(self) -> bool:
        """False when the terminal's records may say more."""
        return self.outcome != "unknown" and not self.lacking

    def content(self) -> dict[str, Any]:
        return self._asdict() | {"retcode_name": retcode_name(self.retcode)}


def result_of(content: dict[str, Any]) -> Result:
    """The result that `content` was called on; earlier versions wrote fewer fields."""
    return Result(**{name: content[name] for name in Result._fields if name in content})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One search of the terminal's records. Only `absent` says that all could be read, for the
    login that the order was sent on, and that none of them belongs to the order."""

    conclusion: Conclusion
    detail: str
    at_ms: int
    login: int | None = None
    server: str | None = None
    positions: int | None = None
    working: int | None = None
    orders: int | None = None
    deals: int | None = None

    def content(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def repeats(self, before: dict[str, Any]) -> bool:
        """Whether an earlier search came to the same conclusion."""
        told = (before.get("conclusion"), before.get("detail"))
        return told == (self.conclusion, self.detail)
