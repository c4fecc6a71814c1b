"""Orders of contract v2: executed at most once, in the journal before they are sent.

routes.py    `POST /v2/orders` and `GET /v2/orders/{tag}`
request.py   the body of an order, parsed
desk.py      the one way to the terminal
job.py       one order on the terminal's thread
journal.py   append-only, synced to disk before an order is sent
rules.py     what account and symbol allow, checked before sending
plan.py      from an order to the request of the terminal, or the reason against it
sending.py   the one call that moves money
result.py    the result, and what the terminal records of it
search.py    the records of the terminal for an order without a result
retcodes.py  what return codes prove
limits.py    the limit behind a return code
"""

__all__ = ["desk", "journal", "retcodes", "routes"]
