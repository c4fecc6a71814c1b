"""The page that imports agents."""

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from accounts.models import Agent
from tests.admin.conftest import SignIn
from tests.admin.page_form import said
from tests.factories import make_agent

URL = "/admin/accounts/agent/import/"
TWO = json.dumps(
    [{"name": "one", "url": "http://10.0.0.5:8001"}, {"name": "two", "url": "http://10.0.0.5:8002"}]
)
HOW = {"host": "", "scheme": "http", "contract": "1"}


def test_nothing_is_written_before_the_preview_is_confirmed(boss: Client) -> None:
    make_agent(name="one", url="http://10.0.0.5:8001")
    assert boss.get(URL).status_code == 200

    preview = boss.post(URL, HOW | {"text": TWO})

    assert "This would be done: 1 added, 0 changed, 1 left." in preview.content.decode()
    assert Agent.objects.count() == 1
    done = boss.post(URL, HOW | {"text": TWO, "confirm": "1"}, follow=True)
    assert "Imported: 1 added, 0 changed, 1 left." in said(done)
    assert Agent.objects.get(name="two").history.get().history_user is not None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_and_its_text_carried_to_the_confirmation(
    boss: Client, encoding: str
) -> None:
    file = SimpleUploadedFile("agents.json", TWO.encode(encoding))
    page = boss.post(URL, HOW | {"file": file})
    assert page.context["text"] == TWO
    assert "2 added" in page.content.decode()


def test_ports_take_the_host_of_the_page(boss: Client) -> None:
    text = json.dumps({"agents": [{"name": "one", "port": 8001}]})
    boss.post(URL, HOW | {"text": text, "host": "10.0.0.7", "contract": "1", "confirm": "1"})
    assert Agent.objects.get().url == "http://10.0.0.7:8001"


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"text": ""}, "Choose a file, or paste its text below."),
        ({"text": "{"}, "This is not JSON"),
        ({"text": "[]"}, "The file holds no agents."),
        ({"text": '[{"name": "<b>", "url": "http://127.1"}]'}, "item 1: url"),
        ({"text": TWO, "host": "a b"}, "This is not a host."),
        ({"file": SimpleUploadedFile("x", b"\xff\xfe\x00")}, "The file is not text in UTF-8 ("),
        ({"file": SimpleUploadedFile("x", b" " * 3_000_000)}, "The file is larger than 2 MB."),
    ],
)
def test_a_bad_file_says_why_and_imports_nothing(
    boss: Client, given: dict[str, Any], sentence: str
) -> None:
    page = boss.post(URL, HOW | given | {"confirm": "1"})
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert not Agent.objects.exists()


def test_importing_takes_the_permissions_to_add_and_to_change(sign_in: SignIn) -> None:
    client = sign_in("accounts.view_agent", "accounts.change_agent")
    assert client.post(URL, HOW | {"text": TWO, "confirm": "1"}).status_code == 403
    client = sign_in("accounts.view_agent", "accounts.change_agent", "accounts.add_agent")
    assert client.post(URL, HOW | {"text": TWO, "confirm": "1"}).status_code == 302
    assert Agent.objects.count() == 2
