"""Delivery: what a committed transaction changed becomes one list of events, published once and
read once by each web process, for its pages and its API clients.

Others publish with publishing.py, and mark pages with current.py. stream.py describes the way of an
event, and intake.py its end; pages.py what pages are sent, whose frames are in frames.py. API
clients are in accounts/events.
"""

__all__ = [
    "access",
    "current",
    "events",
    "frames",
    "hub",
    "journals",
    "listener",
    "page",
    "publisher",
    "publishing",
    "rate_limit",
    "reader",
    "stream",
]
