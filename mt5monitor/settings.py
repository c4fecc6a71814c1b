"""Settings, all from the environment or a `.env` file beside manage.py; see README, Settings."""

import hashlib
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from servestatic.compress import Compressor

from mt5monitor.secrets import kept_key
from mt5monitor.theme import UNFOLD  # noqa: F401

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
env.read_env(BASE_DIR / ".env")

STATE_DIR = Path(env.str("STATE_DIR", "") or BASE_DIR / "var").absolute()
env.read_env(STATE_DIR / "demo.env")  # what the demo allows itself; see mt5monitor/stack
DEBUG = env.bool("DEBUG", False)
SECRET_KEY = env.str("SECRET_KEY", "") or kept_key(STATE_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
# Encrypts the agents' secrets in the database; the first key encrypts, all of them decrypt.
AGENT_SECRETS_KEYS = env.list("AGENT_SECRETS_KEYS", default=[]) or [
    kept_key(STATE_DIR / "agent_secrets_key")
]

# --- where pages are served -------------------------------------------------------------------
PORT = env.int("PORT", 8000)
PUBLIC_URL = env.str("PUBLIC_URL", "") or f"http://127.0.0.1:{PORT}"
_public = urlsplit(PUBLIC_URL)
if _public.scheme not in ("http", "https") or not _public.hostname:
    raise ImproperlyConfigured(
        f"PUBLIC_URL must look like https://monitor.example.com, not {PUBLIC_URL}"
    )
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
SECURE = _public.scheme == "https"
ALLOW_PLAIN_HTTP = env.bool("ALLOW_PLAIN_HTTP", False)
ALLOWED_HOSTS = list({_public.hostname, *LOOPBACK_HOSTS, *env.list("ALLOWED_HOSTS", default=[])})
# Every origin, scheme and port included, whose pages may change something or open a socket.
TRUSTED_ORIGINS = [
    f"{_public.scheme}://{_public.netloc}",
    # Whatever runs at that port of a visitor's own machine is not this site.
    *(f"http://{host}:{PORT}" for host in ([] if SECURE else LOOPBACK_HOSTS)),
    *env.list("TRUSTED_ORIGINS", default=[]),
]
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "mt5monitor.sessions"
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", 12) * 3600
SECURE_HSTS_SECONDS = env.int("HSTS_SECONDS", 31_536_000) if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_SSL_REDIRECT = False  # the proxy in front that ends TLS does this
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# To close what a whole fleet holds is one form with a field for each position.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 20_000

# --- the project ------------------------------------------------------------------------------
INSTALLED_APPS = [
    *(["daphne"] if DEBUG else []),  # its runserver; elsewhere Twisted would only cost a start
    "unfold",
    "unfold.contrib.filters",
    "unfold.contrib.simple_history",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "channels",
    "corsheaders",
    "csp",
    "django_htmx",
    "ninja",  # for the pages of its documents
    "simple_history",
    "allauth.account",  # none of its pages can be reached: what follows needs its models
    "allauth.mfa",
    "accounts",
    "trading",
]
MIDDLEWARE = [
    "mt5monitor.api.fallback.errors_in_json",
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "servestatic.middleware.ServeStaticMiddleware",
    "mt5monitor.private.never_cached",
    "mt5monitor.compression.CompressionMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.gate.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mt5monitor.csp.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
]
ROOT_URLCONF = "mt5monitor.urls"
ASGI_APPLICATION = "mt5monitor.asgi.application"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "fleet"
LOGOUT_REDIRECT_URL = "login"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.gate.held_back",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# A second factor is required of whoever may trade; off: whoever likes has one.
MFA_REQUIRED = env.bool("MFA_REQUIRED", True)
MFA_ADAPTER = "accounts.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "MT5 Monitor"
MFA_TOTP_TOLERANCE = 1  # periods by which the clock of a telephone may be wrong
MFA_RECOVERY_CODE_DIGITS = 10
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "mt5monitor" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "servestatic.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
# Pages ask for the hashed names alone; packing all that is collected took half a minute.
SERVESTATIC_KEEP_ONLY_HASHED_FILES = True
SERVESTATIC_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")

# --- data -------------------------------------------------------------------------------------
DATABASES = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{STATE_DIR / 'mt5monitor.sqlite3'}")
}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # under ASGI persistent connections leak
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Writers queue up instead of failing with "database is locked"; orders survive a power cut.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }


def _socket_path(state_dir: Path) -> Path:
    """Where the stack's own Valkey listens; the kernel takes paths of some 100 bytes only."""
    path = state_dir / "valkey.sock"
    if len(bytes(path)) < 100:
        return path
    name = hashlib.sha256(bytes(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"mt5monitor-{name}" / "valkey.sock"


VALKEY_SOCKET = _socket_path(STATE_DIR)
REDIS_URL = env.str("REDIS_URL", "") or f"unix://{VALKEY_SOCKET}"
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [REDIS_URL], "prefix": "mt5monitor"},
    }
}

CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "mt5monitor",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 2},
    }
}

# --- the API ----------------------------------------------------------------------------------
API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)  # of one token, or one user
API_LOGINS_PER_MINUTE = env.int("API_LOGINS_PER_MINUTE", 10)  # of one address, and of one name
# Of one address; tokens that have been right before are let in all the same.
API_WRONG_TOKENS_PER_MINUTE = env.int("API_WRONG_TOKENS_PER_MINUTE", 60)
API_TOKEN_HOURS = env.int("API_TOKEN_HOURS", 24)  # of tokens that were signed in for
# For whom the password alone signs in, as scripts of the original do; empty: for nobody.
API_PASSWORD_USER = env.str("API_PASSWORD_USER", "")
# Whose pages may call the API from a browser, with a token; never with the cookie of a session.
CORS_ALLOWED_ORIGINS = env.list("API_ORIGINS", default=[])
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match"]

# --- jobs -------------------------------------------------------------------------------------
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

# --- polling ----------------------------------------------------------------------------------
# Seconds between two polls of an agent, by how much hangs on its figures; see Account.urgency.
POLL_INTERVALS = {
    "critical": env.float("POLL_CRITICAL_S", 2),
    "active": env.float("POLL_ACTIVE_S", 5),
    "standard": env.float("POLL_STANDARD_S", 12),
    "inactive": env.float("POLL_INACTIVE_S", 30),
    "idle": env.float("POLL_IDLE_S", 60),
}
POLL_BATCH = env.int("POLL_BATCH", 1000)  # agents that a process takes on at once
BACKOFF_FIRST_S = env.float("BACKOFF_FIRST_S", 4)
BACKOFF_MOST_S = env.float("BACKOFF_MOST_S", 60)
FAILURES_BEFORE_RECOVERY = env.int("FAILURES_BEFORE_RECOVERY", 2)
RECOVERY_RETRY_S = env.float("RECOVERY_RETRY_S", 2)
RECOVERY_EVERY_S = env.float("RECOVERY_EVERY_S", 60)
NEAR_LIMIT = env.float("NEAR_LIMIT", 0.8)  # share of the drawdown limit that is used up
# Who may wait for agents at once, in each web process: each holds a thread.
REFRESHES_AT_ONCE = env.int("REFRESHES_AT_ONCE", 32)
REFRESHES_PER_USER = env.int("REFRESHES_PER_USER", 8)
RECENT_POLLS = env.int("RECENT_POLLS", 60)  # polls remembered for each agent's page
AGENTS = {
    "CONNECT_TIMEOUT": env.float("AGENT_CONNECT_TIMEOUT", 5),
    "POOL_TIMEOUT": env.float("AGENT_POOL_TIMEOUT", 5),
    "READ_TIMEOUT": env.float("AGENT_READ_TIMEOUT", 10),
    "DEADLINE": env.float("AGENT_DEADLINE", 10),
    "REFRESH_DEADLINE": env.float("AGENT_REFRESH_DEADLINE", 30),
    "TRADE_DEADLINE": env.float("AGENT_TRADE_DEADLINE", 30),
    "MAX_BODY_BYTES": env.int("AGENT_MAX_BODY_BYTES", 256 * 1024),
    # 0: as many as there are agents, so that nobody's connection is closed for another's.
    "MAX_CONNECTIONS": env.int("AGENT_MAX_CONNECTIONS", 0),
    "MAX_CONCURRENCY": env.int("AGENT_MAX_CONCURRENCY", 500),
    "TRADE_CONCURRENCY": env.int("AGENT_TRADE_CONCURRENCY", 100),
    "KEEPALIVE": env.float("AGENT_KEEPALIVE", 75),
    "ALLOWED_NETWORKS": env.list("AGENT_ALLOWED_NETWORKS", default=[]),
}

# --- trading ----------------------------------------------------------------------------------
# Off: no order leaves, whoever asks. The switch in the admin and that of each agent come on top.
TRADING_ENABLED = env.bool("TRADING_ENABLED", False)
# Off: no versus begins or goes on to open anything.
VERSUS_ENABLED = env.bool("VERSUS_ENABLED", False)
# What a firm forbids, or says nothing about, needs an acknowledgement; or is refused altogether.
VERSUS_FIRM_RULES = env.str("VERSUS_FIRM_RULES", "acknowledge")
if VERSUS_FIRM_RULES not in ("acknowledge", "refuse"):
    raise ImproperlyConfigured("VERSUS_FIRM_RULES must be acknowledge or refuse")
# A database that was restored or copied finds another one, and starts with trading off.
INSTANCE_ID = env.str("INSTANCE_ID", "") or kept_key(STATE_DIR / "instance_id")

# --- live pages -------------------------------------------------------------------------------
LIVE_BATCH_MS = env.int("LIVE_BATCH_MS", 50)  # frames to one browser are at least this far apart
LIVE_BEAT_S = env.float("LIVE_BEAT_S", 2)
LIVE_BEHIND_S = env.float(
    "LIVE_BEHIND_S", 10
)  # a browser that confirms nothing for so long is dropped
LIVE_UNREAD_BYTES = env.int("LIVE_UNREAD_BYTES", 2_000_000)  # nor may more than this wait for it
LIVE_SOCKETS_PER_USER = env.int("LIVE_SOCKETS_PER_USER", 200)  # in each web process
ROWS_PER_PAGE = 100

# --- programs that listen ---------------------------------------------------------------------
EVENTS_KEPT = env.int("EVENTS_KEPT", 10_000)  # for those who come back
EVENTS_OPEN_S = env.int("EVENTS_OPEN_S", 600)  # events are kept for so long after nobody listens
EVENTS_PER_USER = env.int("EVENTS_PER_USER", 200)  # sockets and streams, in each web process

# --- exports ----------------------------------------------------------------------------------
EXPORT_ROWS = env.int("EXPORT_ROWS", 50_000)  # of one file, at most
# The path of a service account's key, and the spreadsheet that is shared with it.
GOOGLE_SHEETS_CREDENTIALS = env.str("GOOGLE_SHEETS_CREDENTIALS", "")
GOOGLE_SHEETS_ID = env.str("GOOGLE_SHEETS_ID", "")
GOOGLE_SHEETS_EVERY_S = env.float("GOOGLE_SHEETS_EVERY_S", 0)  # 0: by hand only
if 0 < GOOGLE_SHEETS_EVERY_S < 60:
    raise ImproperlyConfigured("GOOGLE_SHEETS_EVERY_S must be 0, which is off, or 60 at least")
if GOOGLE_SHEETS_EVERY_S > 0:
    CELERY_BEAT_SCHEDULE["sync-sheets"] = {
        "task": "trading.tasks.sync_sheets",
        "schedule": GOOGLE_SHEETS_EVERY_S,
        "options": {"expires": GOOGLE_SHEETS_EVERY_S},
    }

# --- logs -------------------------------------------------------------------------------------
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
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # TLS ends at the proxy, which redirects
