"""A flood of sign-ins: few passwords are hashed at once, however many arrive."""

import contextvars
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from accounts.signin import hashing
from mt5monitor.settings.site import PASSWORD_HASHERS
from tests.valkey import PrivateValkey
from tests.waiting import eventually

AT_ONCE = 2
PLACES = AT_ONCE * (1 + hashing.WAITING)
FLOOD = 30


class Slow:
    """In place of the hash itself: it takes until `go`, and counts how many are made at once."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go = threading.Event()
        self.begun = threading.Semaphore(0)
        self.most = self.now = self.done = 0
        self._lock = threading.Lock()
        monkeypatch.setattr(PBKDF2PasswordHasher, "encode", self.encode)

    def encode(self, password: str, salt: str, iterations: int | None = None) -> str:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
        self.begun.release()
        self.go.wait(30)
        with self._lock:
            self.now -= 1
            self.done += 1
        return f"pbkdf2_sha256$1${salt}$not-it"


@pytest.fixture
def slow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    settings.PASSWORDS_AT_ONCE = AT_ONCE
    hashing._lane.cache_clear()
    slow = Slow(monkeypatch)
    yield slow
    slow.go.set()
    hashing._lane.cache_clear()


@pytest.fixture
def flooded(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    """Every place is taken, and none of them gets on."""
    monkeypatch.setattr(hashing, "WAIT_S", 600.0)
    with ThreadPoolExecutor(PLACES) as pool:
        for _ in range(PLACES):
            pool.submit(make_password, "guess")
        lane = hashing._lane(False, AT_ONCE)
        try:
            assert eventually(lambda: lane._places._value == 0)
            yield slow
        finally:
            slow.go.set()


def test_this_is_the_hasher_of_the_product_and_opens_what_django_has_stored(
    settings: Settings,
) -> None:
    django = PBKDF2PasswordHasher().encode("secret-words", "salt", 1)
    settings.PASSWORD_HASHERS = PASSWORD_HASHERS
    assert check_password("secret-words", django)
    assert not check_password("other-words", django)


def test_never_more_than_the_bound_are_hashed_at_once(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hashing, "WAIT_S", 600.0)

    def one(_: int) -> str:
        try:
            return make_password("guess")
        except hashing.Busy:
            return "busy"

    with ThreadPoolExecutor(FLOOD) as pool:
        answers = [pool.submit(one, n) for n in range(FLOOD)]
        refused = eventually(lambda: sum(answer.done() for answer in answers) == FLOOD - PLACES)
        slow.go.set()
        seen = [answer.result() for answer in answers]
    assert refused  # at once, without waiting for the others
    assert (slow.most, slow.done, seen.count("busy")) == (AT_ONCE, PLACES, FLOOD - PLACES)


def test_nobody_waits_longer_than_the_deadline(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "WAIT_S", 0.01)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(AT_ONCE):
            pool.submit(make_password, "guess")
            slow.begun.acquire(timeout=30)
        with pytest.raises(hashing.Busy):
            make_password("guess")
        slow.go.set()


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["theirs", "nobody-at-all"])
def test_a_sign_in_during_a_flood_is_refused_with_a_reason_and_not_counted(
    valkey: PrivateValkey, flooded: Slow, name: str
) -> None:
    if name == "theirs":
        name = User.objects.create(username="theirs", password="pbkdf2_sha256$1$s$x").username
    typed = {"username": name, "password": "secret-words"}
    page: Any = Client().post("/login/", typed)
    assert page.status_code == 429
    assert hashing.BUSY in page.content.decode()
    api: Any = Client().post("/api/auth/login", json.dumps(typed), "application/json")
    assert (api.status_code, api.json()["detail"]) == (429, hashing.BUSY)
    assert api.headers["Retry-After"] == "5"


@pytest.mark.django_db
def test_a_flood_does_not_fill_the_lane_of_known_devices(
    valkey: PrivateValkey, flooded: Slow
) -> None:
    begun = flooded.begun
    while begun.acquire(blocking=False):
        pass
    with hashing.lane(known=True), ThreadPoolExecutor(1) as pool:
        context = contextvars.copy_context()
        answer = pool.submit(context.run, make_password, "secret-words")
        assert begun.acquire(timeout=30)
        flooded.go.set()
        assert answer.result()


@pytest.mark.both_databases
@pytest.mark.django_db
def test_pages_that_say_nothing_of_it_themselves_say_it_as_well(flooded: Slow) -> None:
    client = Client()
    client.force_login(make_boss())
    new = {"username": "new-one", "password1": "rain-on-a-roof", "password2": "rain-on-a-roof"}
    page: Any = client.post("/admin/auth/user/add/", new | {"usable_password": "true"})
    assert page.status_code == 429
    assert hashing.BUSY in page.content.decode()
    assert not User.objects.filter(username="new-one").exists()


def make_boss() -> User:
    boss = User(username="boss", is_staff=True, is_superuser=True, password="!")
    boss.save()
    return boss
