"""Writing down what became of an order that was sent, also when the database fails meanwhile.

What was heard is in the memory of this process alone until then. Should it never be written, the
row says that the order was sent, and reconcile.py looks for its outcome.
"""

import logging
import time
from collections.abc import Callable

from mt5monitor.database import FAULTS, reconnect, words
from trading.models import Order

log = logging.getLogger(__name__)
# Longer than PostgreSQL needs for a restart, or to end the session of a host that was lost.
PAUSES_S = (0.1, 0.5, 1.0, 2.0, 4.0, 8.0)


def keep(order: Order, what: str, write: Callable[[], object]) -> None:
    """Call `write` until the database takes it; `what` is for the log. Raises one of FAULTS when it
    still does not after the last of PAUSES_S."""
    for pause in PAUSES_S:
        try:
            write()
        except FAULTS as fault:
            log.warning("Order %s: writing its outcome failed: %s", order.tag, words(fault))
            reconnect()
            time.sleep(pause)
        else:
            return
    log.error("Order %s: its outcome is written a last time. It is: %s", order.tag, what)
    write()
