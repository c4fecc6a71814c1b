"""The site: where its pages are served, and what it is made of."""

import os
from urllib.parse import urlsplit

from servestatic.compress import Compressor

from mt5monitor.declared import Group
from mt5monitor.settings.environment import BASE_DIR, DEBUG, STATE_DIR, reader
from mt5monitor.theme import UNFOLD as UNFOLD

# --- where pages are served -------------------------------------------------------------------
env = reader(Group.SITE)
PORT = env.int("PORT", 8000, "Port on which pages are served.", limits="from 1 to 65535")
PUBLIC_URL = env.address(
    "PUBLIC_URL",
    f"http://127.0.0.1:{PORT}",
    "Address of the site as browsers see it; https turns on secure cookies and HSTS.",
    shown="`http://127.0.0.1` and the port",
)
_public = urlsplit(PUBLIC_URL)
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
SECURE = _public.scheme == "https"
ALLOW_PLAIN_HTTP = env.bool(
    "ALLOW_PLAIN_HTTP", False, "Answer plain HTTP elsewhere than on loopback."
)
ALLOWED_HOSTS = list(
    {
        _public.hostname,
        *LOOPBACK_HOSTS,
        *env.list(
            "ALLOWED_HOSTS",
            [],
            "Further names of the site, besides that of `PUBLIC_URL`.",
            shown="that of `PUBLIC_URL`",
        ),
    }
)
# Every origin, scheme and port included, whose pages may change something or open a socket.
TRUSTED_ORIGINS = [
    f"{_public.scheme}://{_public.netloc}",
    # Whatever runs at that port of a visitor's own machine is not this site.
    *(f"http://{host}:{PORT}" for host in ([] if SECURE else LOOPBACK_HOSTS)),
    *env.origins(
        "TRUSTED_ORIGINS",
        "Further origins whose pages can change something, such as `https://other.example.com`.",
        shown="that of `PUBLIC_URL`",
    ),
]
CSRF_TRUSTED_ORIGINS = TRUSTED_ORIGINS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_NAME = "__Host-session" if SECURE else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if SECURE else "csrf"
DEVICE_COOKIE_NAME = "__Host-device" if SECURE else "device"  # see accounts/signin/devices.py
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_ENGINE = "mt5monitor.sessions"
HSTS_SECONDS = env.int(
    "HSTS_SECONDS",
    31_536_000,
    "How long browsers insist on https.",
    unit="seconds",
    shown="31536000, a year",
)
SECURE_HSTS_SECONDS = HSTS_SECONDS if SECURE else 0
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
    "mt5monitor.hosts",
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
    "mt5monitor.session_cookie.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.signin.mfa_required.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "mt5monitor.csp.ContentSecurityPolicyMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "accounts.views.choice.ChoiceMiddleware",
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
                "accounts.signin.mfa_required.held_back",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = ["accounts.signin.hashing.BoundedHasher"]
env = reader(Group.SIGN_IN)
SESSION_COOKIE_AGE = 3600 * env.int(
    "SESSION_HOURS", 12, "Time until users have to sign in again.", unit="hours"
)
# By users whose device is not known: each hash takes a core.
PASSWORDS_AT_ONCE = max(
    1,
    env.int(
        "PASSWORDS_AT_ONCE",
        (os.cpu_count() or 1) // 2,
        "Passwords that each web process hashes at a time.",
        shown="half the cores",
    ),
)
SIGN_INS_PER_HOUR = env.int(
    "SIGN_INS_PER_HOUR",
    60,
    "Wrong sign-in attempts with one name in an hour, from browsers and networks that its user "
    "never used.",
)
STEP_UP_S = 60 * env.float(
    "STEP_UP_MINUTES",
    10,
    "How old a sign-in can be for making tokens, changing permissions and switching trading on; 0 "
    "means any age.",
    unit="minutes",
)
MFA_REQUIRED = env.bool(
    "MFA_REQUIRED",
    True,
    "Whether users who can trade, or change agents or users, need a second factor.",
    shown="on; off in the demo",
)
MFA_ADAPTER = "accounts.signin.second_factor.Adapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_TOTP_ISSUER = "MT5 Monitor"
MFA_TOTP_TOLERANCE = 1  # periods by which the clock of a telephone may be wrong
MFA_RECOVERY_CODE_DIGITS = 10
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "mt5monitor.formats"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
FILE_UPLOAD_PERMISSIONS = 0o600  # of static files too: this site alone reads them, and serves them
STATICFILES_DIRS = [BASE_DIR / "mt5monitor" / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "mt5monitor.static_files.PackedStaticFiles"
        )
    },
}
# Pages ask for the hashed names alone; packing all that is collected took half a minute.
SERVESTATIC_KEEP_ONLY_HASHED_FILES = True
SERVESTATIC_SKIP_COMPRESS_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")
SILENCED_SYSTEM_CHECKS = ["security.W008"]  # TLS ends at the proxy, which redirects
