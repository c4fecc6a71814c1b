"""What is logged, and where to."""

from mt5monitor.settings.environment import env

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
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "line"},
        "operations": {"class": "mt5monitor.operations.keeping.Keeping"},
    },
    "root": {
        "handlers": ["console", *(["operations"] if OPERATIONS_LINES else [])],
        "level": env.str("LOG_LEVEL", "INFO"),
    },
    # Each of these would log every tick.
    "loggers": {
        name: {"level": "WARNING"}
        for name in ("httpx", "celery.app.trace", "celery.beat", "celery.worker.strategy")
    },
}
