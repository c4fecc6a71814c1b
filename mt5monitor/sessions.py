"""Django's sessions in the database, asked only for keys that it may have made; and their end."""

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.utils import timezone


class SessionStore(DatabaseStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold any character, and PostgreSQL takes some of them for an error."""
        return bool(key) and len(str(key)) >= 8 and str(key).isascii() and str(key).isalnum()


def end_all(user_id: int, but: str | None = None) -> int:
    """Signs this user out everywhere, but for the session with the key `but`; how many sessions
    that were. Sockets and streams of a session end with it, at the next beat."""
    store = SessionStore()
    sessions = store.get_model_class().objects.filter(expire_date__gt=timezone.now())
    theirs = [
        key
        for key, data in sessions.exclude(session_key=but).values_list("pk", "session_data")
        if store.decode(data).get(SESSION_KEY) == str(user_id)
    ]
    store.get_model_class().objects.filter(pk__in=theirs).delete()
    return len(theirs)
