"""Django's sessions in the database, asked only for keys that it may have made."""

from django.contrib.sessions.backends.db import SessionStore as DatabaseStore


class SessionStore(DatabaseStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold any character, and PostgreSQL takes some of them for an error."""
        return bool(key) and len(str(key)) >= 8 and str(key).isascii() and str(key).isalnum()
