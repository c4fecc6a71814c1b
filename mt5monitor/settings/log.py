"""What is logged, and where to."""

from mt5monitor.settings.environment import env

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
OPERATIONS_LINES = env.int("OPERATIONS_LINES", 20_000)  # of the operations log; 0 keeps none
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
        "level": env.choice("LOG_LEVEL", "INFO", LEVELS),
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
        "accounts.polls": {"filters": ["repeats"]},
        # We say who signed in, and with what.
        "fido2": {"level": "WARNING"},
        # Whoever was refused something was told why, and web.log has each request.
        "django.request": {"level": "ERROR"},
    },
}

# --- a web process whose event loop is blocked -------------------------------------------------
# Seconds without a sign of a web process's event loop, which is logged, and after which the process
# ends, to be started again; 0 as the second: nobody looks.
LOOP_LATE_S = env.float("LOOP_LATE_S", 5)
LOOP_DEAD_S = env.float("LOOP_DEAD_S", 30)
