"""The connection under an answer: how much of it the other side has not taken yet.

ASGI does not tell, and Daphne takes whatever it is given: an answer to somebody who reads slowly,
or never, would grow in this process for as long as it goes on.
"""

from typing import Any


def unread_bytes(transport: Any) -> int:
    """Return how many bytes of what was written to it wait in this process."""
    written = getattr(transport, "dataBuffer", b"")
    waiting = getattr(transport, "_tempDataLen", 0)
    return len(written) - getattr(transport, "offset", 0) + waiting


class Line:
    """Of what `send` of one ASGI application writes to. Under a server other than Daphne, and in
    tests without one, nothing is known and nothing waits."""

    def __init__(self, send: Any) -> None:
        # Daphne's `send` is a functools.partial of its protocol, which has the transport.
        arguments = getattr(send, "args", ())
        self._protocol = arguments[0] if arguments else None

    @property
    def _transport(self) -> Any:
        return getattr(self._protocol, "transport", None)

    @property
    def unread(self) -> int:
        """Bytes that wait in this process."""
        return unread_bytes(self._transport)

    def cut(self) -> None:
        """Ends the connection at once, and forgets what was not read."""
        if self._transport is not None:
            self._transport.abortConnection()
