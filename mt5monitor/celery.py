"""The Celery application; its settings are in settings/jobs.py."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_ready

from mt5monitor import broker, processes
from mt5monitor.garbage import spare_what_is_loaded
from mt5monitor.open_files import allow_enough

allow_enough()
broker.use_own_transport()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
app = Celery("mt5monitor")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def _begin(sender: Any, **_: object) -> None:
    from accounts.agents import pool_statistics  # settings are there by now

    spare_what_is_loaded()
    processes.start(str(sender.hostname).partition("@")[0], {"agent_pool": pool_statistics})
