"""How new what was delivered of each row is: two publishers may overtake one another, and what
is lost on the way must be found."""

from collections.abc import Mapping

# Beyond this a clock was set; then the later message is the newer one.
OVERTAKES_S = 2.0


class Versions:
    """Times are unix seconds; a row's is when the publisher began to read it."""

    def __init__(self, since: float) -> None:
        self._since = since
        self._at: dict[int, float] = {}
        self._late: dict[int, float] = {}

    def accept(self, key: int, at: float) -> bool:
        """Whether a row read at `at` is to be shown: not when a newer one was shown already."""
        known = self._at.get(key, 0.0)
        if 0 < known - at < OVERTAKES_S:
            return False
        self._at[key] = at
        return True

    def missing(self, changed: Mapping[int, float]) -> set[int]:
        """The rows that were late at the last call and still are: a message needs a moment to
        arrive. `changed` is what the database says, for the next call."""
        missing = set(self._undelivered(self._late))
        self._late = self._undelivered(changed)
        return missing

    def _undelivered(self, changed: Mapping[int, float]) -> dict[int, float]:
        return {key: at for key, at in changed.items() if at > self._at.get(key, self._since)}
