"""Delivery: what a committed transaction changed becomes one list of events, published once and
read once by each web process, for its pages and its API clients.

Others publish with publishing.py and mark pages with current.py. In the order of an event's way:

publishing.py  collects what a transaction changes
changes.py     reads it once, for pages and API clients
publisher.py   the thread of a process that publishes in order
stream.py      the stream in Valkey: its epochs and sequence numbers
events.py      one event of it, and those that are kept
message.py     the rows of pages that go with it, signed
reader.py      reads a stream once for all who listen to it
intake.py      what a hub makes of what it read
hub.py         the hub of a web process
current.py     the one that runs here
listener.py    what pages and API clients have in common
access.py      who may receive what, and whether that still holds
rate_limit.py  how many frames a socket can send

Pages:

pages.py       the open pages of a process
page.py        one of them
frames.py      what travels over its socket
screen.py      what it shows, shared by all that show the same
drawings.py    totals and panels, drawn as a whole
versions.py    which of two rows is newer
throttle.py    work that is done once in a while

Nothing is lost:

heartbeat.py   what the database says every few seconds
healer.py      finds what was committed and never published
journals.py    what of orders and versus is written down for it
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
