"""A connection of our web server without a network: clock and transport are set by hand."""

from types import SimpleNamespace
from typing import Any, ClassVar

from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from mt5monitor.web.bodies import Room
from mt5monitor.web.channel import Channel
from mt5monitor.web.request import Request
from mt5monitor.web.waiting import Waiting


class Transport(StringTransport):
    dataBuffer = b""
    offset = 0
    half_closed = False

    def loseWriteConnection(self) -> None:  # noqa: N802
        self.half_closed = True


class Served(Request):
    """A request that reaches the application is whole; nothing answers it."""

    def process(self) -> None:
        self.channel.factory.served.append(self.uri)


class Line:
    """`factory` is shared by connections of one process."""

    opened: ClassVar[list["Line"]] = []

    def __init__(self, factory: Any = None) -> None:
        self.factory = factory or make_factory()
        self.clock: Clock = self.factory.reactor
        self.channel = Channel()
        self.channel.factory = self.factory
        self.channel.callLater = self.clock.callLater
        self.channel.timeOut = 60
        self.channel.requestFactory = Served
        self.transport = Transport(peerAddress=IPv4Address("TCP", "192.0.2.1", 54321))
        self.channel.makeConnection(self.transport)
        self.opened.append(self)

    def send(self, data: bytes) -> None:
        self.channel.dataReceived(data)

    @property
    def status(self) -> int | None:
        """Of its answer; None while there is none."""
        said = self.transport.value()
        return int(said.split()[1]) if said else None

    @property
    def served(self) -> list[bytes]:
        """The targets of requests that reached the application."""
        found: list[bytes] = self.factory.served
        return found

    @property
    def is_cut(self) -> bool:
        return bool(self.transport.disconnected)


def end_all() -> None:
    """As the other side would; the files of bodies that came are closed."""
    while Line.opened:
        Line.opened.pop().channel.connectionLost()


def make_factory() -> Any:
    server = SimpleNamespace(
        protocol_connected=lambda _: None,
        protocol_disconnected=lambda _: None,
        log_action=lambda *_: None,
    )
    return SimpleNamespace(
        room=Room(), waiting=Waiting(), reactor=Clock(), server=server, served=[]
    )


def head(
    target: str = "/login/", *headers: str, length: int | None = None, method: str = "POST"
) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *headers]
    lines += [] if length is None else [f"Content-Length: {length}"]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)
