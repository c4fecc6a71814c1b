"""Connections to agents that may say anything at any time."""

from __future__ import annotations

import functools
from typing import Any

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.tracing import Trace

SLICE = 8192
INTERIM_ANSWERS = 8


class Protocol(ResponseHandler):
    """Cut off when it brings interim answers (100 Continue and such) without an end.

    aiohttp would parse them for as long as the call may last, and no other agent is polled while
    it does. So what arrives is parsed a slice at a time, and looked at in between.
    """

    unasked = False
    """Whether something came before anything was asked on this connection."""

    def data_received(self, data: bytes) -> None:
        self.unasked = self.unasked or self._parser is None
        for start in range(0, len(data) or 1, SLICE):
            super().data_received(data[start : start + SLICE])
            if len(self._buffer) > INTERIM_ANSWERS and self.transport is not None:
                self.transport.close()
                self._buffer.clear()
                self.set_exception(HttpProcessingError(message="Too many headers: of answers"))
                return


class Connector(aiohttp.TCPConnector):
    """Never reuses a connection on which something came while nobody had asked.

    aiohttp would queue it, without a bound, as the answer to the next request, and agents behind
    one proxy share their connections. Without a parser a connection keeps what comes apart, stops
    reading at 64 KB, and says that it wants to be closed.
    """

    def __init__(self, **how: object) -> None:
        super().__init__(**how)  # type: ignore[arg-type]
        made: functools.partial[Any] = functools.partial(Protocol, loop=self._loop)
        self._factory = made

    def _release(
        self, key: ConnectionKey, protocol: ResponseHandler, *, should_close: bool = False
    ) -> None:
        super()._release(key, protocol, should_close=should_close)
        protocol._parser = None

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (connection := await super()._get(key, traces)) is not None:
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close:
                return connection
            connection.close()
        return None
