"""How orders go wrong on the simulated venue: on request, or by chance from a seed."""

import random
from collections import deque
from dataclasses import dataclass, replace

from agent.orders.retcodes import DONE

LATE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """What becomes of one order that the venue would have executed.

    `retcode` is what is answered, None for no result; `executes` whether it is executed, `delay`
    seconds later. `share` of the volume is executed, `slip` points worse than the price; `altered`
    takes the tag out of the comment, as some brokers do. `stopped`: the stop-loss of the position
    is executed first, in the moment in which the order is on its way.
    """

    retcode: int | None = DONE
    executes: bool = False
    delay: float = 0.0
    share: float = 1.0
    slip: int = 0
    altered: bool = False
    stopped: bool = False


NO_FAULT = Fault(executes=True)
TRADE_FAULTS = {
    "requote": Fault(10004),
    "reject": Fault(10006),
    "closed": Fault(10018),
    "no-money": Fault(10019),
    "price-changed": Fault(10020),
    "price-off": Fault(10021),
    "too-many": Fault(10024),
    "gone": Fault(10036),
    "stopped": Fault(10036, stopped=True),
    "slippage": Fault(executes=True, slip=15),
    "partial": Fault(10010, executes=True, share=0.5),
    "placed": Fault(10008, executes=True, delay=LATE_SECONDS),
    "late": Fault(10012, executes=True, delay=LATE_SECONDS),
    "late-none": Fault(None, executes=True, delay=LATE_SECONDS),
    "timeout": Fault(10012),
    "lost": Fault(None, executes=True),
    "never": Fault(None),
    "altered": Fault(executes=True, altered=True),
    "lost-altered": Fault(None, executes=True, altered=True),
    "lie": Fault(10006, executes=True, delay=LATE_SECONDS),
}
# What `--trade-fault-rate` picks from: everything that an honest broker does.
BY_CHANCE = (
    "requote", "reject", "price-changed", "slippage", "partial", "late", "late-none", "lost",
    "never",
)  # fmt: skip


class TradeFaults:
    """Which fault the next order of one agent meets; the same seed gives the same ones."""

    def __init__(self, seed: int, index: int, rate: float = 0.0) -> None:
        self.rate = rate
        self.queued: deque[Fault] = deque()
        self.standing: Fault | None = None
        self._random = random.Random(f"trade faults {seed} {index}")  # noqa: S311

    def next(self) -> Fault:
        if self.queued:
            return self.queued.popleft()
        if self.standing is not None:
            return self.standing
        if self.rate and self._random.random() < self.rate:
            return TRADE_FAULTS[self._random.choice(BY_CHANCE)]
        return NO_FAULT


def fault_of(name: object, seconds: float | None = None) -> Fault:
    """The fault of a name, or a return code that is answered without executing anything.

    `seconds` delays an execution that is late. Raises `ValueError` for anything else.
    """
    if isinstance(name, int) and not isinstance(name, bool) and 10_000 <= name <= 10_100:
        return Fault(name)
    if not isinstance(name, str) or name not in TRADE_FAULTS:
        raise ValueError(f"a return code, or one of {', '.join(TRADE_FAULTS)}")
    fault = TRADE_FAULTS[name]
    return replace(fault, delay=seconds) if fault.delay and seconds is not None else fault
