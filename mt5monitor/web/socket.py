"""WebSockets whose limit of size holds for what browsers and programs send."""

from typing import Any

from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol


class Socket(WebSocketProtocol):  # type: ignore[misc] # has no types
    maxMessagePayloadSize: int

    def sendMessage(self, payload: bytes, *args: Any, **kwargs: Any) -> None:  # noqa: N802
        """Send a message of any size: the limit of the library would hold both ways, and the rows
        of a large fleet are larger than anything that may come."""
        limit, self.maxMessagePayloadSize = self.maxMessagePayloadSize, 0
        try:
            super().sendMessage(payload, *args, **kwargs)
        finally:
            self.maxMessagePayloadSize = limit


class SocketFactory(WebSocketFactory):  # type: ignore[misc] # has no types
    protocol = Socket
