"""How many files and sockets a process may have open.

Each agent keeps a connection and each browser a socket, while the usual soft limit is 1,024: meant
for programs that call select(), which nothing here does.
"""

import contextlib
import resource

# Enough for 10,000 agents and as many browsers; a hard limit may be "none", which some systems
# refuse as a soft one.
ENOUGH = 65_536


def allow_enough() -> None:
    """Raises this process's soft limit as far as the hard one lets it; never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    # A system that allows less than it says leaves us with what we have: still most of a fleet.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
