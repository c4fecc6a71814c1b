"""What is logged, and where to."""

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
env = reader(Group.PROCESSES)
OPERATIONS_LINES = env.int(
    "OPERATIONS_LINES",
    20_000,
    "Lines that the operations log keeps; 0 means no log but the console.",
    unit="lines",
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "mt5monitor.operations.redaction.Redacting",
            "format": "%(asctime)s %(levelname)s %(name)s: %(message)s",
        }
    },
    "filters": {
        "not_one_by_one": {"()": "mt5monitor.expired.NotOneByOne"},
        "repeats": {"()": "mt5monitor.repeats.Repeats"},
    },
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "operations": {"class": "mt5monitor.operations.keeping.Keeping"},
    },
    "root": {
        "handlers": ["console", *(["operations"] if OPERATIONS_LINES else [])],
        "level": env.choice("LOG_LEVEL", "INFO", LEVELS, "Level from which lines are logged."),
    },
    "loggers": {
        # Each of these would log every tick.
        "httpx": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING", "filters": ["repeats"]},
        "celery.worker.strategy": {"level": "WARNING"},
        # Under load it would log every tick that expired: they are counted.
        "celery.worker.request": {"filters": ["not_one_by_one"]},
        # While Valkey is away each of these would log every try.
        "celery.worker.consumer.consumer": {"filters": ["repeats"]},
        "kombu.transport.redis": {"filters": ["repeats"]},
        "mt5monitor.scheduler": {"filters": ["repeats"]},
        "mt5monitor.api.limits": {"filters": ["repeats"]},
        "accounts.poll_log": {"filters": ["repeats"]},
        # We say who signed in, and with what.
        "fido2": {"level": "WARNING"},
        # Whoever was refused something was told why, and web.log has each request.
        "django.request": {"level": "ERROR"},
    },
}

# --- a web process whose event loop is blocked -------------------------------------------------
LOOP_LATE_S = env.float(
    "LOOP_LATE_S",
    5,
    "A web process whose event loop is blocked for so long logs where.",
    unit="seconds",
)
LOOP_DEAD_S = env.float(
    "LOOP_DEAD_S",
    30,
    "A web process whose event loop is blocked for so long ends, so that the supervisor starts it "
    "again; 0 means never.",
    unit="seconds",
)
