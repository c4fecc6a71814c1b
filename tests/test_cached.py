"""The cache keeps JSON: what somebody else wrote there is data, and never runs."""

import json
import os
import pickle
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy
from unfold.dataclasses import SearchResult

from mt5monitor.celery import app
from tests.factories import make_user
from tests.valkey import PrivateValkey


class Evil:
    """Unpickling it is running its command."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.mark}",)


@pytest.fixture
def boss(valkey: PrivateValkey, db: None) -> Client:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def entries() -> dict[bytes, bytes]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        names = [key for key in client.keys("mt5monitor:1:*") if client.type(key) == b"string"]
        return {name: client.get(name) for name in names}


def test_an_object_written_where_the_admins_search_reads_never_runs(
    boss: Client, tmp_path: Path
) -> None:
    first = boss.get("/admin/search/?s=agents").content
    (key,) = [name for name in entries() if b"unfold_search" in name]
    evil = pickle.dumps(Evil(tmp_path / "ran"))
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(key, evil)
    answer = boss.get("/admin/search/?s=agents")
    assert not (tmp_path / "ran").exists()
    assert (answer.status_code, answer.content) == (200, first)
    assert b"Agents" in first


def test_the_admins_search_finds_the_same_in_the_cache(boss: Client) -> None:
    asked = [boss.get("/admin/search/?s=agents").content for _ in range(3)]
    assert asked[0] == asked[1] == asked[2] != b""


def test_an_object_among_many_is_not_there(valkey: PrivateValkey, tmp_path: Path) -> None:
    cache.set_many({"known": {"a": 1}, "foreign": 1})
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        client.set(cache.make_key("foreign"), pickle.dumps(Evil(tmp_path / "ran")))
    assert cache.get_many(["known", "foreign"]) == {"known": {"a": 1}}
    assert cache.get("foreign", "nothing") == "nothing"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("value", "back"),
    [
        (1, 1),
        (-7, -7),
        (True, True),
        (None, None),
        (1.5, 1.5),
        ("y", "y"),
        ("é\0\u2028", "é\0\u2028"),
        ([1.5, 2.5], [1.5, 2.5]),
        ({"a": [1, {"b": None}]}, {"a": [1, {"b": None}]}),
        (gettext_lazy("Agents"), "Agents"),
        (reverse_lazy("fleet"), "/"),
        (
            [SearchResult(title="a", description="b", link="/", icon="tag")],
            [{"title": "a", "description": "b", "link": "/", "icon": "tag"}],
        ),
    ],
)
def test_what_is_kept_comes_back(valkey: PrivateValkey, value: Any, back: Any) -> None:
    cache.set("kept", value)
    assert cache.get("kept") == back
    assert type(cache.get("kept")) is type(back)
    json.loads(entries()[b"mt5monitor:1:kept"])


def test_what_would_come_back_as_something_else_is_not_kept(valkey: PrivateValkey) -> None:
    for value in (object(), 1j, datetime):
        with pytest.raises(TypeError, match="cannot keep"):
            cache.set("kept", value)


def test_counters_count(valkey: PrivateValkey) -> None:
    assert cache.add("count", 0)
    assert not cache.add("count", 0)
    assert (cache.incr("count"), cache.get("count")) == (1, 1)


def test_a_code_that_was_used_is_remembered(valkey: PrivateValkey, db: None) -> None:
    factor = totp.TOTP(type("Factor", (), {"user_id": 7, "data": {}})())
    assert factor._mark_code_used("123456")
    assert not factor._mark_code_used("123456")


def test_nothing_else_reads_objects() -> None:
    assert settings.SESSION_SERIALIZER == "django.contrib.sessions.serializers.JSONSerializer"
    assert app.conf.accept_content == app.conf.result_accept_content == ["json"]
    kinds = (app.conf.task_serializer, app.conf.result_serializer, app.conf.event_serializer)
    assert kinds == ("json", "json", "json")
    assert app.conf.worker_enable_remote_control is False
