"""The distance between the broker's clock and UTC, which a terminal does not tell."""

from datetime import UTC, datetime, timedelta

from agent.errors import BrokerTimeUnknown

HALF_HOUR = 1_800
# A tick that moved between two looks this close together is young enough to compare clocks by.
LONGEST_PAUSE = 300.0
FURTHEST = (-12 * 3_600, 14 * 3_600)


class BrokerClock:
    """`offset` is broker time minus UTC in seconds; None until it is known.

    Given, it is taken as it is. Otherwise it is learned from ticks: only from one that has moved
    since the last look at its symbol, for on a closed market the last tick is old by an unknown
    amount.
    """

    __slots__ = ("_given", "_seen", "offset")

    def __init__(self, offset: int | None = None) -> None:
        self.offset = offset
        self._given = offset is not None
        self._seen: dict[str, tuple[int, float]] = {}

    @property
    def learns(self) -> bool:
        return not self._given

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

    def forget(self) -> None:
        """Another account may be at a broker with another clock."""
        self._seen.clear()
        if not self._given:
            self.offset = None

    def utc(self, broker_msc: int) -> datetime | None:
        """A broker time in milliseconds as UTC; None for a time of 0 or an unknown offset."""
        if self.offset is None or not broker_msc:
            return None
        return datetime.fromtimestamp(0, UTC) + timedelta(
            milliseconds=broker_msc - self.offset * 1000
        )

    def broker_seconds(self, moment: datetime) -> int:
        """Raises `BrokerTimeUnknown` while the offset is unknown."""
        if self.offset is None:
            raise BrokerTimeUnknown("no tick has moved yet; see --broker-utc-offset")
        return int(moment.timestamp()) + self.offset
