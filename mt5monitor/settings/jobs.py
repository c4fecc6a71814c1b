"""Celery: what beat sends, how often, and to which queue."""

from mt5monitor.settings.data import REDIS_URL
from mt5monitor.settings.desk import GOOGLE_SHEETS_EVERY_S
from mt5monitor.settings.environment import STATE_DIR

CELERY_BROKER_URL = (
    REDIS_URL.replace("unix://", "redis+socket://", 1)
    if REDIS_URL.startswith("unix://")
    else REDIS_URL
)
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"health_check_interval": 10, "socket_connect_timeout": 5}
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_ROUTES = {"accounts.tasks.poll_unreachable": {"queue": "unreachable"}}
CELERY_IMPORTS = ["mt5monitor.pulse"]
CELERY_BEAT_SCHEDULE = {
    **{
        f"pulse-{queue}": {
            "task": "mt5monitor.pulse",
            "schedule": 3.0,
            "args": [queue],
            "options": {"queue": queue, "expires": 30.0},
        }
        for queue in ("celery", "unreachable")
    },
    # A tick that waited longer than a second is worthless: the next one does its work.
    "poll": {"task": "accounts.tasks.poll", "schedule": 1.0, "options": {"expires": 1.0}},
    "tend-orders": {
        "task": "trading.tasks.tend",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "tend-versus": {
        "task": "trading.tasks.tend_versus",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "poll-unreachable": {
        "task": "accounts.tasks.poll_unreachable",
        "schedule": 1.0,
        "options": {"expires": 1.0},
    },
    "sync-history": {
        "task": "trading.tasks.sync_history",
        "schedule": 5.0,
        "options": {"expires": 5.0},
    },
    "note-equity": {
        "task": "trading.tasks.note_equity",
        "schedule": 60.0,
        "options": {"expires": 30.0},
    },
    "thin-equity": {"task": "trading.tasks.thin_equity", "schedule": 86_400.0},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(STATE_DIR / "celerybeat-schedule")
if GOOGLE_SHEETS_EVERY_S > 0:
    CELERY_BEAT_SCHEDULE["sync-sheets"] = {
        "task": "trading.tasks.sync_sheets",
        "schedule": GOOGLE_SHEETS_EVERY_S,
        "options": {"expires": GOOGLE_SHEETS_EVERY_S},
    }
