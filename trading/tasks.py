"""What Celery runs; each does no harm when it runs twice at once."""

import logging

from celery import shared_task

from mt5monitor.database import tick
from trading import history, reconcile, sheets
from trading.history import equity
from trading.versus import schedule

log = logging.getLogger(__name__)


@shared_task
def tend() -> int:
    return tick(reconcile.tend, log)


@shared_task
def tend_versus() -> int:
    return tick(schedule.tend, log)


@shared_task
def sync_history() -> int:
    return tick(history.sync_due, log)


@shared_task
def sync_sheets() -> str:
    result = sheets.sync_all()
    log.log(logging.INFO if result.ok else logging.WARNING, "%s", result.sentence)
    return result.sentence


@shared_task
def note_equity() -> int:
    return tick(equity.note, log)


@shared_task
def thin_equity() -> int:
    return equity.thin()
