"""The event stream for API clients: what they ask for and receive, on the socket `/ws` (client.py,
and ApiClient in accounts/consumers.py) and as server-sent events (feed.py). The operations log is
followed in the same way: log.py. How events get here is in accounts/live.
"""

__all__ = ["access", "client", "feed", "frames", "log", "streaming"]
