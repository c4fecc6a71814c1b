"""The hub's one channel in the layer's group. It comes back by itself and says that it did.

The layer reconnects on its own when Valkey was lost, and what was sent in between is lost. It calls
us then; and so does the hub when it finds a change that did not arrive. Then we send a message to
ourselves, until one comes round. An idle fleet gives no reason to and sends nothing.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer
from cryptography.fernet import InvalidToken

from accounts.live.message import GROUP
from mt5monitor.valkey import ERRORS, Backoff

log = logging.getLogger(__name__)
SEND_TIMEOUT_S = 1.0


class Link:
    """`on_packet` gets every packet of the group; `on_return` is called whenever what was sent
    before may have been lost: at the start, and when the connection is back."""

    def __init__(self, on_packet: Callable[[object], None], on_return: Callable[[], None]) -> None:
        self.listening = asyncio.Event()
        self._on_packet = on_packet
        self._on_return = on_return
        self._layer: Any = get_channel_layer()
        self._channel = ""
        self._receiving: asyncio.Task[None] | None = None
        self._suspected = self._broken = self._was_forged = False
        self._question = ""  # the message to ourselves that is under way

    def suspect(self) -> None:
        """A change did not arrive: is anybody there?"""
        self._suspected = True

    def _break(self, error: Exception) -> None:
        if not self._broken:
            log.warning("Live pages lost Valkey: %s", error)
        self._suspected = self._broken = True

    async def run(self) -> None:
        """Listens until cancelled."""
        self._layer.when_lost(self._break)
        try:
            await self._listen_again_and_again()
        finally:
            self._layer.when_lost(None)

    async def _listen_again_and_again(self) -> None:
        backoff = Backoff()
        while True:
            try:
                await self._subscribe()
                backoff.reset()
                await self._listen()
            except ERRORS as error:
                if backoff.is_fresh:
                    log.warning("Live pages wait for Valkey: %s", error)
            self.listening.clear()
            await asyncio.sleep(backoff.after_failure())
            await self._layer.flush()

    async def _subscribe(self) -> None:
        self._channel = await self._layer.new_channel()
        await self._layer.group_add(GROUP, self._channel)
        self._broken = True
        self._hear()
        self.listening.set()

    async def _listen(self) -> None:
        self._receiving = asyncio.create_task(self._receive())
        try:
            await asyncio.wait({self._receiving})
            if not self._receiving.cancelled():
                self._receiving.result()
        finally:
            self._receiving.cancel()

    async def _receive(self) -> None:
        while True:
            try:
                packet = await self._layer.receive(self._channel)
            except InvalidToken:
                self._refuse_forged()
                continue
            if packet.get("type") != "question":
                self._on_packet(packet)
            elif packet.get("question") == self._question:
                self._hear()

    def _refuse_forged(self) -> None:
        """A message that was not made with a key of this site."""
        if not self._was_forged:
            log.error(
                "Live pages drop messages that another key made: "
                "compare SECRET_KEY of all hosts, and see who else can write to Valkey."
            )
        self._was_forged = True

    def _hear(self) -> None:
        was_broken, self._broken, self._suspected, self._question = self._broken, False, False, ""
        if was_broken:
            log.info("Live pages hear Valkey.")
            self._on_return()

    async def check(self) -> None:
        """Asks while there is a reason to; without an answer by the next call, subscribes anew."""
        if not self._suspected or not self.listening.is_set():
            return
        if self._question and self._receiving is not None:
            self._receiving.cancel()
            return
        question = secrets.token_hex(8)
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                self._question = question
                packet = {"type": "question", "question": question}
                await self._layer.send(self._channel, packet)
        except ERRORS:
            self._question = ""  # still away; said already
