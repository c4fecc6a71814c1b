"""What a worker takes its tasks with; Celery loads it by its name, in workers only."""

from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection

from mt5monitor.broker import retrying


class Consumer(CeleryConsumer):
    """Comes back soon: Celery's own waits for up to 30 s between two tries, and has no setting."""

    def ensure_connected(self, conn: Connection) -> Connection:
        ensure = conn.ensure_connection

        def ensure_soon(*args: Any, **kwargs: Any) -> Any:
            return ensure(*args, **{**kwargs, **retrying()})

        conn.ensure_connection = ensure_soon  # type: ignore[method-assign]
        found: Connection = super().ensure_connected(conn)
        return found
