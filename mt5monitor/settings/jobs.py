"""Celery: what beat sends, how often, and to which queue."""

import ssl

from mt5monitor.every import Every
from mt5monitor.settings.data import REDIS_URL, VALKEY_OPTIONS
from mt5monitor.settings.environment import STATE_DIR
from mt5monitor.settings.exports import GOOGLE_SHEETS_EVERY_S

CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1)
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {**VALKEY_OPTIONS}
if REDIS_URL.startswith("rediss://"):
    # Left to itself, Celery takes any certificate for that of the broker.
    CELERY_BROKER_USE_SSL = {"ssl_cert_reqs": ssl.CERT_REQUIRED}
# Whoever can write to the broker may call our tasks, which take nothing but a queue's name, and
# nothing else: no objects, and no commands to workers.
CELERY_ACCEPT_CONTENT = CELERY_RESULT_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = CELERY_RESULT_SERIALIZER = CELERY_EVENT_SERIALIZER = "json"
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_CONSUMER = "mt5monitor.consumer:Consumer"
# What is sent, by beat or by a click, is of now: one more try, on a new connection.
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0, "interval_max": 0}
CELERY_TASK_IGNORE_RESULT = True
# No task here is confirmed late, so none is cancelled; unset, each lost connection logs advice.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Else a handler that is made later writes into Celery's log instead of on the console: nowhere.
CELERY_WORKER_REDIRECT_STDOUTS = False
CELERY_TASK_ROUTES = {"accounts.tasks.poll_unreachable": {"queue": "unreachable"}}
CELERY_IMPORTS = ["mt5monitor.pulse"]


def _tick(task: str, seconds: float) -> dict[str, object]:
    """One that waited for longer than until the next is worthless: that does its work."""
    return {"task": task, "schedule": Every(seconds), "options": {"expires": seconds}}


CELERY_BEAT_SCHEDULE = {
    **{
        f"pulse-{queue}": {
            "task": "mt5monitor.pulse",
            "schedule": Every(3.0),
            "args": [queue],
            "options": {"queue": queue, "expires": 30.0},
        }
        for queue in ("celery", "unreachable")
    },
    "poll": _tick("accounts.tasks.poll", 1.0),
    "poll-unreachable": _tick("accounts.tasks.poll_unreachable", 1.0),
    "tend-orders": _tick("trading.tasks.tend", 1.0),
    "tend-versus": _tick("trading.tasks.tend_versus", 1.0),
    "sync-history": _tick("trading.tasks.sync_history", 5.0),
    "note-equity": _tick("trading.tasks.note_equity", 60.0),
    "thin-equity": _tick("trading.tasks.thin_equity", 86_400.0),
}
if GOOGLE_SHEETS_EVERY_S > 0:
    CELERY_BEAT_SCHEDULE["sync-sheets"] = _tick("trading.tasks.sync_sheets", GOOGLE_SHEETS_EVERY_S)
CELERY_BEAT_SCHEDULER = "mt5monitor.scheduler:Scheduler"
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "celerybeat-schedule")
