"""Somebody of the desk on the pages of versus, without scripts."""

from django.contrib.auth.models import User
from django.test import Client

from tests.pages.reading import text

LOOK = ("accounts.view_account", "trading.view_versus")
RUN = (*LOOK, "trading.run_versus", "trading.acknowledge_firm_rules")


def browser(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def page_of(user: User, path: str = "/versus/") -> str:
    answer = browser(user).get(path)
    assert answer.status_code == 200, answer
    return text(answer)
