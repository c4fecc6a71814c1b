"""The examples of docs/api.md: each is sent as it stands there, and answered."""

import json
import shlex
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import Permission
from django.http import HttpResponseBase
from django.test import Client

from accounts.models import Account
from tests.documents import ROOT, Document
from tests.trading.desk import Desk
from tests.valkey import PrivateValkey
from trading.models import Order

pytestmark = pytest.mark.django_db
EXAMPLES = [shlex.split(command) for command in Document(ROOT / "docs/api.md").commands]
PASSWORD = "a long password"
PERMISSIONS = ("view_account", "change_phase", "trade")


def sent(example: list[str], filled_in: dict[str, str]) -> HttpResponseBase:
    """What the site answers to a line of `curl`, with what a reader fills in."""
    words = iter(example[1:])
    method, url, body, headers = "GET", "", "", {}
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-d":
            body = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers[name] = value
        else:
            url = word
    for name, value in filled_in.items():
        url, body = url.replace(name, value), body.replace(name, value)
        headers = {key: text.replace(name, value) for key, text in headers.items()}
    kind = headers.pop("Content-Type", "application/octet-stream")
    path = urlsplit(url).path
    return Client().generic(method, path, body, content_type=kind, headers=headers)


def test_the_examples_work_in_their_order(desk: Desk, valkey: PrivateValkey) -> None:
    user = desk.trader
    user.set_password(PASSWORD)
    user.save()
    user.user_permissions.add(*Permission.objects.filter(codename__in=PERMISSIONS))
    signing_in, *others = EXAMPLES
    answer = sent(signing_in, {"demo": user.username, "PASSWORD": PASSWORD})
    token = json.loads(answer.getvalue())["token"]
    number = str(desk.accounts["2"].number)
    for example in others:
        answer = sent(example, {"TOKEN": token, "4711": number})
        assert answer.status_code == 200, (example, answer.getvalue())
    assert Account.objects.filter(number=number, phase__name="F2").exists()
    assert Order.objects.get().state == "filled"
