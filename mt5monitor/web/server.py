"""Daphne's server and command line, on connections of our own."""

from typing import Any

# First: it decides which event loop Twisted has.
import daphne.server
from daphne.cli import CommandLineInterface
from daphne.http_protocol import HTTPFactory

from mt5monitor.web.bodies import Room
from mt5monitor.web.channel import Channel
from mt5monitor.web.request import Request
from mt5monitor.web.socket import SocketFactory
from mt5monitor.web.waiting import Waiting

# Twice of what the application takes: it says why it refuses a frame, Daphne only ends the socket.
FRAME_BYTES = 128 * 1024


class Factory(HTTPFactory):  # type: ignore[misc] # has no types
    """Makes the connections of one process, and holds what they share."""

    protocol = Channel

    def __init__(self, server: Any) -> None:
        super().__init__(server)
        self.room = Room()
        self.waiting = Waiting()

    def buildProtocol(self, addr: Any) -> Any:  # noqa: N802
        channel = super().buildProtocol(addr)
        channel.requestFactory = Request
        return channel


class Server(daphne.server.Server):  # type: ignore[misc] # has no types
    def run(self) -> None:
        # It makes its factories by these names, and has no other way to be given some.
        daphne.server.HTTPFactory = Factory
        daphne.server.WebSocketFactory = SocketFactory
        super().run()

    def kill_all_applications(self) -> Any:
        """Daphne's own ends at the first request that is not whole yet, which has no application,
        and leaves all others running."""
        for protocol, details in list(self.connections.items()):
            if "application_instance" not in details:
                del self.connections[protocol]
        return super().kill_all_applications()


class CommandLine(CommandLineInterface):  # type: ignore[misc] # has no types
    server_class = Server

    def __init__(self) -> None:
        super().__init__()
        self.parser.prog = "python -m mt5monitor.web"
        self.parser.set_defaults(
            websocket_max_message_size=FRAME_BYTES, websocket_max_frame_size=FRAME_BYTES
        )
