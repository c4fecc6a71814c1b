"""The limit of a WebSocket message holds for what comes, not for what is sent."""

from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from mt5monitor.web.server import FRAME_BYTES
from mt5monitor.web.socket import Socket, SocketFactory


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    sizes: list[int] = []

    def send_frame(self: Socket, opcode: int, payload: bytes = b"", **_: Any) -> None:
        sizes.append(len(payload))

    monkeypatch.setattr(Socket, "sendFrame", send_frame)
    return sizes


@pytest.fixture
def opened(sent: list[int]) -> Any:
    factory = SocketFactory(None)
    factory.setProtocolOptions(maxMessagePayloadSize=FRAME_BYTES)
    socket = Socket()
    socket.factory, socket.client_addr = factory, None
    socket.transport = StringTransport()
    socket.transport.registerProducer(socket, streaming=True)
    socket._connectionMade()
    socket.state = Socket.STATE_OPEN
    return socket


def test_rows_of_a_large_fleet_are_sent_whole(opened: Any, sent: list[int]) -> None:
    opened.sendMessage(b"a" * 2 * FRAME_BYTES)
    assert sent == [2 * FRAME_BYTES]


def test_what_comes_is_limited_as_before(opened: Any, sent: list[int]) -> None:
    opened.sendMessage(b"a" * 2 * FRAME_BYTES)
    opened.onMessageBegin(isBinary=False)
    opened.onMessageFrameBegin(FRAME_BYTES + 1)
    assert opened.wasMaxMessagePayloadSizeExceeded
