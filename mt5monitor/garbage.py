"""What a process imports stays until it ends: no search for garbage goes through it.

Python searches now and then through all that lives, which in a web process is 170,000 objects of
imported code and takes a tenth of a second, in which nobody is answered.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

SELDOM = 50_000  # new objects between two searches; Python's default is 700


@contextmanager
def no_search() -> Iterator[None]:
    """While modules load; what has been loaded is left out of every later search."""
    searched = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        spare_what_is_loaded()
        if searched:
            gc.enable()


def spare_what_is_loaded() -> None:
    gc.freeze()


def search_seldom() -> None:
    """Search less often from now on: for a command, which keeps almost all that it loads and ends
    soon."""
    gc.set_threshold(SELDOM)
