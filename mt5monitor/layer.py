"""The channel layer: that of channels_redis by pub/sub, with an end to each wait on Valkey.

Its receive loop spins for ever once the kernel gives a connection up: Python gives that error the
name of a wait that is over, redis then returns "no message" at once, and nothing else runs in the
process any more (channels_redis 4.3.0 with redis 8.1.0, the newest of both). So here each round
lets others run, and a connection that has ended, or on which nothing comes, is made again.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer, RedisSingleShardConnection
from django.conf import settings

from mt5monitor.valkey import ERRORS, Backoff

log = logging.getLogger(__name__)

ROUND_S = 1.0  # for how long one round waits for a message
UNANSWERED_ROUNDS = 2  # after which a connection that was asked for an answer is lost


class Shard(RedisSingleShardConnection):  # type: ignore[misc]
    """One connection for what is sent, one for what comes."""

    _silent_rounds = 0

    async def publish(self, channel: str, message: bytes) -> None:
        """Raise one of ERRORS, after VALKEY_DEADLINE_S at the latest. So do the next two."""
        async with asyncio.timeout(settings.VALKEY_DEADLINE_S):
            await super().publish(channel, message)

    async def subscribe(self, channel: str) -> None:
        async with asyncio.timeout(settings.VALKEY_DEADLINE_S):
            await super().subscribe(channel)

    async def unsubscribe(self, channel: str) -> None:
        async with asyncio.timeout(settings.VALKEY_DEADLINE_S):
            await super().unsubscribe(channel)

    async def flush(self) -> None:
        """Never raise: what cannot be closed properly is let go of, and the kernel ends it."""
        try:
            async with asyncio.timeout(settings.VALKEY_DEADLINE_S):
                await super().flush()
        except ERRORS:
            self._redis = self._pubsub = self._receive_task = None
            self._subscribed_to: set[str] = set()

    async def _do_receiving(self) -> None:
        """Receive until cancelled, or let go of by `flush`."""
        backoff, own = Backoff(), asyncio.current_task()
        while self._receive_task is own:
            try:
                await self._receive_once()
                backoff.reset()
            except ERRORS as error:
                self._say_lost(error)
                await asyncio.sleep(backoff.after_failure())
            except Exception:
                log.exception("Channel layer could not receive; it tries again")
                await asyncio.sleep(backoff.after_failure())

    def _say_lost(self, error: Exception) -> None:
        log.debug("Channel layer lost Valkey: %s", error)
        if self.channel_layer.on_disconnect is not None:
            self.channel_layer.on_disconnect(error)

    async def _receive_once(self) -> None:
        if not (self._pubsub and self._pubsub.subscribed):
            await asyncio.sleep(0.1)
            return
        message = await self._pubsub.get_message(ignore_subscribe_messages=True, timeout=ROUND_S)
        connection = self._pubsub.connection
        self._receive_message(message)
        # Also after messages that were there already, for which nobody had to wait.
        await asyncio.sleep(0)
        reason = self._why_lost(connection)
        if reason:
            self._silent_rounds = 0
            with contextlib.suppress(*ERRORS):
                await connection.disconnect(nowait=True)
            raise ConnectionError(reason)  # the next round connects and subscribes again

    def _why_lost(self, connection: Any) -> str:
        """Empty while it is not lost. redis asks for an answer when none came since
        `next_health_check`; that there was none it does not notice."""
        if not connection.is_connected:
            return ""
        ended = connection._reader.exception()
        if ended is not None:
            return f"the connection ended ({ended})"
        now = asyncio.get_running_loop().time()
        overdue = connection.health_check_interval and now > connection.next_health_check
        # Rounds, not seconds: a process that stood still has not asked meanwhile.
        self._silent_rounds = self._silent_rounds + 1 if overdue else 0
        return "no answer" if self._silent_rounds > UNANSWERED_ROUNDS else ""


class Layer(RedisPubSubChannelLayer):  # type: ignore[misc]
    """The channel layer of settings.CHANNEL_LAYERS."""

    def when_lost(self, call: Callable[[Exception], None] | None) -> None:
        """Have `call` called whenever messages may be lost, until another is given; None: nobody.
        Of the running loop, on which it is called too."""
        self._get_layer().on_disconnect = call

    def _get_layer(self) -> Any:
        layer = super()._get_layer()
        if not isinstance(layer._shards[0], Shard):  # just made
            layer._shards = [Shard(shard.host, layer) for shard in layer._shards]
        return layer
