"""The steps of a versus as its page lists them, from its events."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from trading.models import VersusEvent
from trading.versus.legs import BUY, HALF_1, HALF_2, PROTECT, RELEASE, SELL
from trading.versus.states import State

SHOWN: Final = 5
ACCEPTED: Final = "accepted"  # warnings, by a standing acknowledgement
NAMES: Final = {
    BUY: "first leg",
    SELL: "second leg",
    HALF_1: "first half",
    HALF_2: "second half",
    RELEASE: "release",
    PROTECT: "stops",
    ACCEPTED: "warnings",
}
TICKS: Final = "ticks"
"""Key in the data of an event: on what the stops of that leg rest."""
BEGINS: Final = (State.PENDING, State.FREEZING, State.TRANSFERRING)


@dataclass(frozen=True, slots=True)
class Step:
    """One line of it."""

    at: datetime
    label: str
    text: str
    actor: str


class Timeline:
    def __init__(self, events: Sequence[VersusEvent]) -> None:
        self._events = events

    @property
    def steps(self) -> list[Step]:
        return [Step(event.at, _label(event), event.text, event.actor) for event in self._events]

    @property
    def last(self) -> list[Step]:
        return self.steps[-SHOWN:]

    @property
    def hidden(self) -> int:
        return max(len(self._events) - SHOWN, 0)

    @property
    def acknowledgements(self) -> list[VersusEvent]:
        """When it was made and when it began; the sentences of each are its data."""
        return [
            event
            for event in self._events
            if event.data and (event.state in BEGINS or event.step == ACCEPTED)
        ]

    @property
    def proofs(self) -> list[Step]:
        """How money became the stops of each leg, where the agent alone could not say."""
        return [
            Step(event.at, _label(event), event.data[TICKS]["sentence"], event.actor)
            for event in self._events
            if event.step and event.data and TICKS in event.data
        ]


def _label(event: VersusEvent) -> str:
    if event.state in State.values:
        return State(event.state).label
    return NAMES.get(event.step, "close" if event.step.startswith("close-") else event.step)
