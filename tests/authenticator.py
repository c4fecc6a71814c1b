"""A telephone with an authenticator app, whose codes are those of the time that the test says."""

import re
import time
from html import unescape

import pytest
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.test import Client

from accounts.signin import second_factor
from tests.factories import PASSWORD as PASSWORD
from tests.factories import make_user
from tests.pages.reading import text, words

PERIOD_S = 30


class Telephone:
    """Its clock stands until `later`; so does that of the site."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.secret = ""
        self._now = time.time()
        monkeypatch.setattr("allauth.mfa.totp.internal.auth.time.time", lambda: self._now)

    def code(self, periods: int = 0) -> str:
        """What it shows now, or so many periods later."""
        at = int(self._now) // PERIOD_S + periods
        return str(format_hotp_value(hotp_value(self.secret, at)))

    def later(self) -> None:
        """When another code is shown."""
        self._now += PERIOD_S

    def read(self, page: str) -> None:
        """The key that this page shows as text."""
        found = re.search(r'<code class="key">([^<]+)</code>', page)
        assert found is not None
        self.secret = unescape(found[1]).replace(" ", "")

    def set_up(self, *permissions: str, **columns: bool) -> User:
        """A user who has this telephone as the second factor; its next code is unused."""
        user = make_user(*permissions, **columns)
        kept = second_factor.new_secret()
        self.secret = second_factor.shown(user, kept)[0]
        self.recovery_codes = second_factor.set_up(user, kept, self.code())
        self.later()
        return user


def sign_in(user: User, leads_to: str = "") -> Client:
    """A browser that has shown the password."""
    client = Client()
    typed = {"username": user.username, "password": PASSWORD, "next": leads_to}
    client.post("/login/", typed)
    return client


def is_in(client: Client) -> bool:
    return client.get("/").status_code == 200


def confirm(client: Client, page: str, code: str, password: str = PASSWORD) -> str:
    """What the page says then."""
    answer = client.post(f"/security/{page}/", {"password": password, "code": code}, follow=True)
    return words(text(answer))
