"""Files of what a page shows, and Google Sheets."""

from django.core.exceptions import ImproperlyConfigured

from mt5monitor.declared import Group
from mt5monitor.settings.environment import reader

env = reader(Group.EXPORTS)
EXPORT_ROWS = env.int("EXPORT_ROWS", 50_000, "Most rows of one exported file.", unit="rows")
GOOGLE_SHEETS_CREDENTIALS = env.str(
    "GOOGLE_SHEETS_CREDENTIALS", "", "Where a service account's JSON key is.", kind="path"
)
GOOGLE_SHEETS_ID = env.str(
    "GOOGLE_SHEETS_ID", "", "The part of the spreadsheet's address after `/d/`."
)
GOOGLE_SHEETS_EVERY_S = env.float(
    "GOOGLE_SHEETS_EVERY_S",
    0,
    "Time between two automatic writes to the spreadsheet; 0 turns them off.",
    unit="seconds",
    limits="0, or 60 or more",
    shown="0, off",
)
if 0 < GOOGLE_SHEETS_EVERY_S < 60:
    raise ImproperlyConfigured("GOOGLE_SHEETS_EVERY_S must be 0, which is off, or 60 at least")
