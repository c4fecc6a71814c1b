"""A sign of life from each queue, carried by what polls are carried by: beat, broker, worker.

A worker can be alive and do nothing, as some releases of Celery did after their broker restarted.
The supervisor, and whoever watches the site, sees that when the pulse of its queue stops.
"""

import time

import redis
from celery import shared_task
from django.conf import settings

from mt5monitor import expired
from mt5monitor.valkey import connect

QUEUES = ("celery", "unreachable")
PREFIX = "mt5monitor:pulse:"


@shared_task(name="mt5monitor.pulse")
def pulse(queue: str) -> None:
    expired.summarise()
    with connection(settings.REDIS_URL) as valkey:
        expired.write(valkey)
        valkey.set(f"{PREFIX}{queue}", repr(time.time()))


def connection(url: str) -> "redis.Redis":
    return connect(url)


def last_pulses(url: str) -> dict[str, float]:
    """When each queue last did its task, unix seconds; 0 when never. Raises redis.RedisError."""
    with connection(url) as valkey:
        found = valkey.mget([f"{PREFIX}{queue}" for queue in QUEUES])
    return {queue: float(at or 0) for queue, at in zip(QUEUES, found, strict=True)}
