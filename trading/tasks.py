"""What Celery runs; each does no harm when it runs twice at once."""

from celery import shared_task

from trading import reconcile
from trading.versus import schedule


@shared_task
def tend() -> int:
    return reconcile.tend()


@shared_task
def tend_versus() -> int:
    return schedule.tend()
