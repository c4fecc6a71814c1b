"""The event stream for API clients: what they ask for, and how they receive it. How events get here
is in accounts/live; the consumer of the socket `/ws` in accounts/consumers.py.

access.py     who a client is, by its token or session
client.py     a client on a socket
frames.py     what it can send
streaming.py  the answer to a request for server-sent events
follower.py   one stream of them
feed.py       what a stream of one kind makes of events
log.py        the operations log as a stream
"""

__all__ = ["access", "client", "feed", "frames", "log", "streaming"]
