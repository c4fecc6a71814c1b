"""What Celery runs; each does no harm when it runs twice at once."""

import logging

from celery import shared_task

from accounts import polling
from mt5monitor.database import tick

log = logging.getLogger(__name__)


@shared_task
def poll() -> int:
    return tick(lambda: polling.poll_due(reachable=True), log)


@shared_task
def poll_unreachable() -> int:
    return tick(lambda: polling.poll_due(reachable=False), log)
