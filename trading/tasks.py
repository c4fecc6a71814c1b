"""What Celery runs; each does no harm when it runs twice at once."""

from celery import shared_task

from trading import reconcile


@shared_task
def tend() -> int:
    return reconcile.tend()
