"""The JSON API."""

from mt5monitor.settings.environment import env

API_REQUESTS_PER_MINUTE = env.int("API_REQUESTS_PER_MINUTE", 600)  # of one token, or one user
# Attempts to sign in, of one address.
API_LOGINS_PER_MINUTE = env.int("API_LOGINS_PER_MINUTE", 10)
# Of one address; tokens that have been right before are let in all the same.
API_WRONG_TOKENS_PER_MINUTE = env.int("API_WRONG_TOKENS_PER_MINUTE", 60)
API_TOKEN_HOURS = env.int("API_TOKEN_HOURS", 24)  # of tokens that were signed in for
# For whom the password alone signs in, as scripts of the original do; empty: for nobody.
API_PASSWORD_USER = env.str("API_PASSWORD_USER", "")
# Whose pages may call the API from a browser, with a token; never with the cookie of a session.
CORS_ALLOWED_ORIGINS = env.origins("API_ORIGINS")
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_CREDENTIALS = False
CORS_EXPOSE_HEADERS = ["ETag", "Retry-After"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "idempotency-key", "if-none-match"]
# Whether a phase that does not exist is made when a program sets it, as in the original system.
API_NEW_PHASES = env.bool("API_NEW_PHASES", False)
