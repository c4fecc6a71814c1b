"""The JSON API."""

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

env = reader(Group.API)
API_REQUESTS_PER_MINUTE = env.int(
    "API_REQUESTS_PER_MINUTE", 600, "Requests that one token or user can make in a minute."
)
API_WRONG_TOKENS_PER_MINUTE = env.int(
    "API_WRONG_TOKENS_PER_MINUTE",
    60,
    "Wrong tokens from one address in a minute, for the API, sockets and streams together. Beyond "
    "it the answer is 429 for a minute, except for tokens that were valid within the last day.",
)
API_TOKEN_HOURS = env.int(
    "API_TOKEN_HOURS",
    24,
    "How long a token from `POST /api/auth/login` is valid.",
    unit="hours",
)
# Never with the cookie of a session.
CORS_ALLOWED_ORIGINS = env.origins(
    "API_ORIGINS", "Origins whose pages can call the API from a browser, with a token."
)
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match"]
API_NEW_PHASES = env.bool(
    "API_NEW_PHASES",
    False,
    "Whether `PUT …/phase` creates a phase that does not exist, as the original did. When off, "
    "the request is refused with the list of phases.",
)

env = reader(Group.SIGN_IN)
API_LOGINS_PER_MINUTE = env.int(
    "API_LOGINS_PER_MINUTE",
    10,
    "Sign-in attempts from one network in a minute, on the page and through the API.",
)
API_PASSWORD_USER = env.str(
    "API_PASSWORD_USER",
    "",
    'User for whom `{"password"}` alone signs in, as old scripts do.',
    shown="nobody",
)
