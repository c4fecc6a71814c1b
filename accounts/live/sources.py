"""The message numbers of each publishing process: a missing one is a lost message."""

from collections import OrderedDict

REMEMBERED = 1000  # workers are replaced now and then, and each new one is a new source


class Sources:
    def __init__(self) -> None:
        self._last: OrderedDict[str, int] = OrderedDict()

    def follows(self, source: str, seq: int) -> bool:
        """Whether this is the next message of its source; of an unknown one, any is."""
        last = self._last.get(source)
        self._last[source] = seq
        self._last.move_to_end(source)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        return last is None or seq == last + 1
