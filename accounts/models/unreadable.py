"""Open positions that could not be read, as an account keeps them: what is known, in words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnreadablePosition:
    ticket: int | None
    symbol: str
    problem: str

    def __str__(self) -> str:
        """As a page names it: "#123 EURUSD", or "a position of unknown ticket"."""
        name = f"#{self.ticket}" if self.ticket else "a position of unknown ticket"
        return f"{name} {self.symbol}".strip()
