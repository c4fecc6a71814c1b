"""What Celery runs; each does no harm when it runs twice at once."""

from celery import shared_task

from accounts import polling


@shared_task
def poll() -> int:
    return polling.poll_due(reachable=True)


@shared_task
def poll_unreachable() -> int:
    return polling.poll_due(reachable=False)
