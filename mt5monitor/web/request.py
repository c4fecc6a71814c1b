"""One request, as Daphne hands it to the application."""

from typing import Any

from daphne.http_protocol import WebRequest

from mt5monitor.web import forwarded

ROOT_PATH, SUBPROTOCOL = b"Daphne-Root-Path", b"Sec-WebSocket-Protocol"


class Request(WebRequest):  # type: ignore[misc] # has no types
    def __init__(self, *args: Any) -> None:
        # Twisted would read forms for itself, in many times the memory of their bodies.
        super().__init__(*args, parsePOSTFormSubmission=False)
        self.room = self.channel.factory.room
        self.held = 0

    def handleContentChunk(self, data: bytes) -> None:  # noqa: N802
        if self.channel.takes_body(self, len(data)):
            super().handleContentChunk(data)

    def process(self) -> Any:
        # Where the application is mounted is our affair, and no caller's.
        self.requestHeaders.removeHeader(ROOT_PATH)
        if self.server.proxy_forwarded_address_header:
            forwarded.clean(self.requestHeaders)
        if not all(map(bytes.isascii, self.requestHeaders.getRawHeaders(SUBPROTOCOL, []))):
            # Daphne would take it for an error of its own.
            return self.basic_error(400, b"Bad Request", "Invalid header value")
        return super().process()

    def finish(self) -> None:
        self.let_go()
        super().finish()

    def connectionLost(self, reason: Any) -> None:  # noqa: N802
        self.let_go()
        super().connectionLost(reason)

    def drop(self) -> None:
        """Forget the body, of a request that was refused."""
        self.let_go()
        if self.content is not None:
            self.content.close()

    def let_go(self) -> None:
        """What its body took is free for others."""
        self.room.give_back(self.held)
        self.held = 0
