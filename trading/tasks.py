"""What Celery runs; each does no harm when it runs twice at once."""

import logging

from celery import shared_task

from trading import history, reconcile, sheets
from trading.history import equity
from trading.versus import schedule

log = logging.getLogger(__name__)


@shared_task
def tend() -> int:
    return reconcile.tend()


@shared_task
def tend_versus() -> int:
    return schedule.tend()


@shared_task
def sync_history() -> int:
    return history.sync_due()


@shared_task
def sync_sheets() -> str:
    result = sheets.sync_all()
    log.log(logging.INFO if result.ok else logging.WARNING, "%s", result.sentence)
    return result.sentence


@shared_task
def note_equity() -> int:
    return equity.note()


@shared_task
def thin_equity() -> int:
    return equity.thin()
