"""What a host must be before it takes part in the site, and whether it still is.

    entry.py    what every long-running process calls: checks at its start, and each minute
    unfit.py    the error that stops a start, with one sentence
    keys.py     fingerprints of the keys that all hosts of a site share
    clock.py    the host's clock against the database's
    collected.py  static files that pages ask for
    place.py    where a file, a machine and a database are, in words that a copy does not share
    mark.py     the mark in STATE_DIR
    watch.py    mark against database: whichever is behind, or elsewhere, was restored or copied
    known.py    the same while a process runs, as a part of every claim of an order
    models.py   one row a host

A package of its own and an app of its own: neither accounts nor trading knows of hosts.
"""

__all__ = ["collected", "entry", "known", "unfit", "watch"]
