"""The Celery application; its settings are in settings/jobs.py."""

import logging
import os
from typing import Any

from celery import Celery
from celery.loaders.app import AppLoader
from celery.signals import beat_init, worker_init, worker_ready, worker_shutdown

from mt5monitor import broker, processes
from mt5monitor.garbage import no_search, spare_what_is_loaded
from mt5monitor.hosts import entry
from mt5monitor.open_files import allow_enough

log = logging.getLogger(__name__)


class Loader(AppLoader):
    """Load Django and all tasks for a worker or beat, which keep them until they end."""

    def import_default_modules(self) -> Any:
        with no_search():
            return super().import_default_modules()


allow_enough()
broker.use_own_transport()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
app = Celery("mt5monitor", loader=f"{__name__}:{Loader.__name__}")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def _check_host(**_: object) -> None:
    entry.begin()


@worker_ready.connect
def _begin(sender: Any, **_: object) -> None:
    from accounts.agents import pool_statistics  # settings are there by now

    spare_what_is_loaded()
    sources = {"agent_pool": pool_statistics, "host": entry.counts}
    processes.start(str(sender.hostname).partition("@")[0], sources)


@worker_shutdown.connect
def _say_why_it_ends(sender: Any, **_: object) -> None:
    """The supervisor starts it again; the program that runs a Procfile has to as well."""
    if sender.exitcode:
        log.critical(
            "Worker %s ends with exit code %s because of the error above: start it again.",
            sender.hostname,
            sender.exitcode,
        )
