"""One connection: what it sends is counted and timed until it is a whole request."""

import json
from typing import Any, Final

from twisted.web import http

from mt5monitor.api.fallback import UNDER_API
from mt5monitor.line import unread_bytes
from mt5monitor.web.bodies import most_bytes

# A request may take this long, and a second more for each so many bytes of it: a telephone with a
# bad connection is faster, and whoever sends a byte now and then is cut.
PATIENCE_S: Final = 20.0
BYTES_A_SECOND: Final = 16 * 1024
# Whoever was refused may be sending still, and would not read the answer on a connection that was
# reset: what comes within this time is thrown away.
LINGER_S: Final = 5.0
TOO_LARGE: Final = "This request is too large: it may have {most:,} bytes. Send less at once."
TOO_SLOW: Final = "This request took too long to arrive. Send it again."
NO_ROOM: Final = "Too many large requests at once. Try again in a moment."
MALFORMED: Final = "This request is not understood."
REASONS: Final = {
    400: b"Bad Request",
    408: b"Request Timeout",
    413: b"Content Too Large",
    503: b"Service Unavailable",
}
_HTTPChannel: Any = http.HTTPChannel  # has types in some places only


class Channel(_HTTPChannel):  # type: ignore[misc]
    """A request is refused before any part of it is kept; `refused` takes nothing more."""

    factory: Any
    refused = False
    _began = 0.0
    _received = 0
    _check: Any = None
    _unread_before: int | None = None

    def connectionMade(self) -> None:  # noqa: N802
        super().connectionMade()
        self.factory.waiting.add(self)

    def dataReceived(self, data: bytes) -> None:  # noqa: N802
        if self.refused:
            return
        if not self._handlingRequest:
            if self._check is None:
                self._began, self._received = self._now(), 0
                self._check = self.callLater(PATIENCE_S, self._check_pace)
            self._received += len(data)
        super().dataReceived(data)

    def lineReceived(self, line: bytes) -> None:  # noqa: N802
        if not self.refused:
            super().lineReceived(line)

    def lineLengthExceeded(self, line: bytes) -> None:  # noqa: N802
        self._respondToBadRequestAndDisconnect()

    def rawDataReceived(self, data: bytes) -> None:  # noqa: N802
        if not self.refused:
            super().rawDataReceived(data)

    def allHeadersReceived(self) -> None:  # noqa: N802
        most = most_bytes(self._path)
        if self.length is not None and self.length > most:
            self._refuse(413, TOO_LARGE.format(most=most))
        else:
            super().allHeadersReceived()

    def allContentReceived(self) -> None:  # noqa: N802
        if not self.refused:
            self._is_whole()
            super().allContentReceived()

    def takes_body(self, request: Any, count: int) -> bool:
        """Whether `count` bytes more of its body can be kept; refuses the request where not."""
        if self.refused:
            return False
        most = most_bytes(self._path)
        if request.held + count > most:
            self._refuse(413, TOO_LARGE.format(most=most))
        elif not self.factory.room.take(count, request.held + count):
            self._refuse(503, NO_ROOM)
        else:
            request.held += count
        return not self.refused

    def requestDone(self, request: Any) -> None:  # noqa: N802
        if self.persistent:
            self.factory.waiting.add(self)
        super().requestDone(request)
        if not self.persistent:
            # Closed once the answer was read, which may never be.
            self.setTimeout(self.timeOut)

    def timeoutConnection(self) -> None:  # noqa: N802
        """Whoever still reads the last answer, however slowly, is not idle."""
        unread = unread_bytes(self.transport)
        if unread and (self._unread_before is None or unread < self._unread_before):
            self._unread_before = unread
            self.setTimeout(self.timeOut)
        else:
            super().timeoutConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:  # noqa: N802
        """Twisted's own closes at once, and resets whoever is still sending."""
        if not self.refused:
            self._refuse(400, MALFORMED)

    def connectionLost(self, reason: Any = None) -> None:  # noqa: N802
        self._is_whole()
        super().connectionLost(reason)

    def cut(self) -> None:
        """End the connection at once."""
        self.transport.abortConnection()

    def _now(self) -> float:
        """Seconds of the loop's clock, which is never set."""
        return float(self.factory.reactor.seconds())

    def _is_whole(self) -> None:
        """Nothing more is awaited."""
        self.factory.waiting.remove(self)
        self._unread_before = None
        if self._check is not None:
            self._check.cancel()
            self._check = None

    def _check_pace(self) -> None:
        due = self._began + PATIENCE_S + self._received / BYTES_A_SECOND
        left = due - self._now()
        self._check = None
        if left > 0:
            self._check = self.callLater(left, self._check_pace)
        else:
            self._refuse(408, TOO_SLOW)

    def _refuse(self, status: int, sentence: str) -> None:
        self._is_whole()
        self.refused = True
        for request in self.requests:
            request.drop()
        self.setTimeout(None)
        self.transport.write(self._answer(status, sentence))
        self.transport.loseWriteConnection()
        self._abortingCall = self.callLater(LINGER_S, self.forceAbortClient)
        self._log_refusal(status)

    def _answer(self, status: int, sentence: str) -> bytes:
        is_api = UNDER_API.match(self._target())
        body = json.dumps({"detail": sentence}) if is_api else f"{sentence}\n"
        kind = "application/json" if is_api else "text/plain; charset=utf-8"
        head = [
            b"HTTP/1.1 %d %s" % (status, REASONS[status]),
            b"Content-Type: " + kind.encode(),
            b"Content-Length: %d" % len(body.encode()),
            b"Cache-Control: no-store",
            b"Connection: close",
            *([b"Retry-After: 5"] if status == 503 else []),
        ]
        return b"\r\n".join([*head, b"", body.encode()])

    def _target(self) -> str:
        """As it was sent; empty before its line is whole."""
        return bytes(getattr(self, "_path", b"")).decode("latin-1")

    def _log_refusal(self, status: int) -> None:
        peer = self.transport.getPeer()
        details = {
            "path": self._target(),
            "status": status,
            "method": bytes(getattr(self, "_command", b"-")).decode("latin-1"),
            "client": f"{getattr(peer, 'host', '-')}:{getattr(peer, 'port', '-')}",
            "time_taken": self._now() - self._began,
            "size": 0,
        }
        self.factory.server.log_action("http", "complete", details)
