"""The distance between the broker's clock and UTC, which a terminal does not tell."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from agent.errors import BrokerTimeUnknown
from agent.weeks import FURTHEST, Proof
from agent.zones import RuledZone, Zone, possible

HALF_HOUR = 1_800
DAY = 86_400
HALF_DAY = DAY / 2
# A tick that moved between two looks this close together is young enough to compare clocks by.
LONGEST_PAUSE = 300.0
# Two proofs that agree hold for all between them when they are at most this far apart.
NEAR = 8 * DAY


class BrokerClock:
    """`offset` is broker time minus UTC in seconds, now; None until it is known.

    Given, as a number for all of the year or as a zone, it is taken as it is. Otherwise it is
    learned from ticks: only from one that has moved since the last look at its symbol, for on a
    closed market the last tick is old by an unknown amount. What it was at other times follows
    where only one of the rules that servers keep explains all that was seen (`prove`).
    """

    __slots__ = ("_given", "_proofs", "_seen", "_zones", "offset")

    def __init__(self, given: int | Zone | None = None) -> None:
        zone = RuledZone(given) if isinstance(given, int) else given
        self._given = zone is not None
        self._zones: tuple[Zone, ...] = () if zone is None else (zone,)
        self._seen: dict[str, tuple[int, float]] = {}
        self._proofs: dict[int, Proof] = {}
        self.offset: int | None = None
        self.turn(time.time())

    @property
    def learns(self) -> bool:
        return not self._given

    def turn(self, now: float) -> None:
        """Let a zone that was given say what its distance is at `now` (UTC, seconds)."""
        if self._given:
            self.offset = self._zones[0].offset(now)

    def look(self, symbol: str, tick_msc: int, now: float) -> None:
        """Compare a symbol's tick (broker time, milliseconds) with `now` (UTC, seconds)."""
        if self._given:
            return
        previous, looked_at = self._seen.get(symbol, (tick_msc, now))
        self._seen[symbol] = (tick_msc, now)
        if tick_msc <= previous or not 0 <= now - looked_at <= LONGEST_PAUSE:
            return
        distance = tick_msc / 1000 - now
        offset = round(distance / HALF_HOUR) * HALF_HOUR
        if FURTHEST[0] <= offset <= FURTHEST[1] and abs(distance - offset) <= LONGEST_PAUSE:
            self.offset = offset
            self.prove([(now, offset)])

    def prove(self, proofs: Iterable[Proof]) -> None:
        """Take what the distance was at some moments; one a day of UTC is kept."""
        changed = False
        for utc, offset in proofs:
            before = self._proofs.get(int(utc // DAY))
            changed = changed or before is None or before[1] != offset
            self._proofs[int(utc // DAY)] = (utc, offset)
        if changed and not self._given:
            self._zones = self._explaining()

    def _explaining(self) -> tuple[Zone, ...]:
        """The zones that explain every proof; none when the broker kept no single rule."""
        proofs = list(self._proofs.values())
        zones = possible(*proofs[-1])
        return tuple(z for z in zones if all(z.offset(utc) == o for utc, o in proofs))

    def forget(self) -> None:
        """Another account may be at a broker with another clock."""
        self._seen.clear()
        if not self._given:
            self.offset, self._zones = None, ()
            self._proofs.clear()

    def utc(self, broker_msc: int) -> datetime | None:
        """A broker time in milliseconds as UTC, as well as it is known; None for a time of 0 or an
        unknown offset."""
        if self.offset is None or not broker_msc:
            return None
        offset, _ = self._distance(broker_msc / 1000)
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=broker_msc - offset * 1000)

    def is_certain(self, broker_msc: int) -> bool:
        """Whether the distance at that broker time is proven; False while it is unknown."""
        return self.offset is not None and self._distance(broker_msc / 1000)[1]

    def may_be_within(self, broker_msc: int, since: datetime, until: datetime) -> bool:
        """Whether a broker time lies between two moments, both included: give or take an hour where
        it is not certain, so that who reads one period after the other misses none."""
        at = self.utc(broker_msc)
        spare = timedelta() if self.is_certain(broker_msc) else timedelta(hours=1)
        return at is not None and since - spare <= at <= until + spare

    def _distance(self, broker: float) -> tuple[int, bool]:
        """The likeliest one at a broker time, and whether it is the only one that can be."""
        offsets = [o for zone in self._zones for o in zone.offsets(broker)]
        return (offsets[0], len(set(offsets)) == 1) if offsets else self._by_proofs(broker)

    def _by_proofs(self, broker: float) -> tuple[int, bool]:
        """The one of the nearest proof: certain between two that are near and agree."""
        away = sorted(
            (abs(broker - utc - o), broker < utc + o, o) for utc, o in self._proofs.values()
        )
        before, after = ([p for p in away if p[1] is later][:1] for later in (False, True))
        near = [offset for distance, _, offset in before + after if distance <= NEAR]
        nearest = away[0]
        agree = len(near) == 2 and near[0] == near[1]
        return nearest[2], agree or nearest[0] <= HALF_DAY

    def broker_seconds(self, moment: datetime) -> int:
        """Raises `BrokerTimeUnknown` while the offset is unknown."""
        if self.offset is None:
            raise BrokerTimeUnknown("no price has moved yet: is the market open?")
        utc = moment.timestamp()
        return int(utc) + (self._zones[0].offset(utc) if self._zones else self.offset)
