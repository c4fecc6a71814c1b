"""Files of what a page shows, and Google Sheets."""

from django.core.exceptions import ImproperlyConfigured

from mt5monitor.settings.environment import env

EXPORT_ROWS = env.int("EXPORT_ROWS", 50_000)  # of one file, at most
# The path of a service account's key, and the spreadsheet that is shared with it.
GOOGLE_SHEETS_CREDENTIALS = env.str("GOOGLE_SHEETS_CREDENTIALS", "")
GOOGLE_SHEETS_ID = env.str("GOOGLE_SHEETS_ID", "")
GOOGLE_SHEETS_EVERY_S = env.float("GOOGLE_SHEETS_EVERY_S", 0)  # 0: by hand only
if 0 < GOOGLE_SHEETS_EVERY_S < 60:
    raise ImproperlyConfigured("GOOGLE_SHEETS_EVERY_S must be 0, which is off, or 60 at least")
