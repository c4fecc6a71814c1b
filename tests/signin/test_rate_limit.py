"""Attacks on signing in: what strangers try with a name stops strangers, and nobody else."""

import json
from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from pytest_django import Settings

from accounts.models import KnownDevice, SignIn
from accounts.models.sign_in import How
from accounts.signin import rate_limit, second_factor
from mt5monitor.api.limits import network_of
from tests.authenticator import PASSWORD, Telephone, is_in
from tests.factories import make_user
from tests.pages.reading import text
from tests.valkey import PrivateValkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("one_minute")]
VIEW = "accounts.view_account"
HOME, ELSEWHERE = "203.0.113.9", "192.0.2.77"
NEW_PASSWORD = "rain-on-a-tin-roof"


def try_page(client: Client, name: str, password: str = PASSWORD) -> HttpResponse:
    answer: Any = client.post("/login/", {"username": name, "password": password})
    return answer  # type: ignore[no-any-return]


def try_api(name: str, password: str, address: str) -> HttpResponse:
    typed = json.dumps({"username": name, "password": password})
    answer: Any = Client(REMOTE_ADDR=address).post("/api/auth/login", typed, "application/json")
    return answer  # type: ignore[no-any-return]


def attack(name: str, addresses: int = 10, each: int = 10) -> list[int]:
    """Wrong passwords from so many addresses, the first on the page; what was answered."""
    seen = []
    for host in range(addresses):
        for guess in range(each):
            address = f"198.51.100.{host}"
            if host:
                seen.append(try_api(name, f"guess-{guess}", address).status_code)
            else:
                client = Client(REMOTE_ADDR=address)
                seen.append(try_page(client, name, f"guess-{guess}").status_code)
    return seen


def request_from(address: str) -> HttpRequest:
    return RequestFactory().get("/", REMOTE_ADDR=address)


def sign_out(client: Client) -> None:
    """The browser keeps its other cookies."""
    client.post("/logout/")
    assert not is_in(client)


@pytest.fixture
def admin(valkey: PrivateValkey) -> User:
    return make_user(VIEW)


@pytest.fixture
def telephone(valkey: PrivateValkey, monkeypatch: pytest.MonkeyPatch) -> Telephone:
    return Telephone(monkeypatch)


# --- the lock-out -----------------------------------------------------------------------------
def test_a_hundred_wrong_passwords_from_ten_addresses_lock_no_known_device_out(
    admin: User,
) -> None:
    client = Client(REMOTE_ADDR=HOME)
    try_page(client, admin.username)
    sign_out(client)
    client.defaults["REMOTE_ADDR"] = ELSEWHERE  # a laptop moves
    assert len(attack(admin.username)) == 100
    assert try_page(client, admin.username).status_code == 302
    assert is_in(client)


def test_nor_whoever_comes_from_a_known_address(admin: User) -> None:
    assert try_api(admin.username, PASSWORD, HOME).status_code == 200
    attack(admin.username)
    assert try_api(admin.username, PASSWORD, HOME).status_code == 200
    assert try_api(admin.username, PASSWORD, ELSEWHERE).status_code == 429


def test_nor_a_session_that_confirms_something(telephone: Telephone) -> None:
    user = telephone.set_up(VIEW)
    client = Client(REMOTE_ADDR=HOME)
    client.force_login(user)
    attack(user.username)
    typed = {"password": PASSWORD, "code": telephone.code()}
    assert "New recovery codes" in text(client.post("/security/codes/", typed))


def test_wrong_codes_by_a_thief_of_the_password_do_not_keep_a_known_device_out(
    telephone: Telephone, monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE = 100
    monkeypatch.setattr(rate_limit, "CODES_PER_HOUR", 3)
    user, client, thief = telephone.set_up(VIEW), Client(REMOTE_ADDR=HOME), Client()
    try_page(client, user.username)
    client.post("/login/code/", {"code": telephone.code()})
    sign_out(client)
    try_page(thief, user.username)
    for guess in range(5):
        refused = thief.post("/login/code/", {"code": f"{guess:06}"})
    assert rate_limit.TOO_MANY_CODES in text(refused)
    telephone.later()
    try_page(client, user.username)
    client.post("/login/code/", {"code": telephone.code()})
    assert is_in(client)


# --- guessing ---------------------------------------------------------------------------------
def test_guesses_at_one_name_stop_at_the_hourly_limit_from_any_addresses(
    admin: User, settings: Settings
) -> None:
    settings.SIGN_INS_PER_HOUR = 30
    seen = attack(admin.username, addresses=22)  # 220, as fast as each address may
    assert len([status for status in seen if status in (200, 401)]) == 30
    assert set(seen[-100:]) == {429}
    refused = try_api(admin.username, PASSWORD, ELSEWHERE)
    assert refused.status_code == 429
    assert rate_limit.TOO_OFTEN_BY_NAME in json.loads(refused.content)["detail"]
    assert refused.headers["Retry-After"]


def test_one_address_ends_nobody_elses_attempts_with_a_name(
    admin: User, settings: Settings
) -> None:
    settings.API_LOGINS_PER_MINUTE = 1000
    seen = [try_api(admin.username, "guess", HOME).status_code for _ in range(70)]
    assert seen.count(401) == rate_limit.NETWORK_PER_HOUR
    assert try_api(admin.username, PASSWORD, ELSEWHERE).status_code == 200


def test_a_known_device_guesses_no_more_than_its_own_modest_limit(admin: User) -> None:
    client = Client()
    try_page(client, admin.username)
    sign_out(client)
    seen = [try_page(client, admin.username, f"guess-{n}").status_code for n in range(50)]
    assert seen.count(200) == rate_limit.KNOWN_PER_HOUR
    assert try_page(client, admin.username).status_code == 429


def test_right_attempts_use_up_nothing(admin: User, settings: Settings) -> None:
    settings.API_LOGINS_PER_MINUTE = 1000
    settings.SIGN_INS_PER_HOUR = 3
    for host in range(8):
        assert try_api(admin.username, PASSWORD, f"198.51.100.{host}").status_code == 200


def test_nothing_tells_whether_a_name_exists(admin: User, settings: Settings) -> None:
    settings.SIGN_INS_PER_HOUR = 5
    seen = [
        [
            (answer.status_code, answer.content)
            for host in range(7)
            if (answer := try_api(name, "guess", f"198.51.100.{host}"))
        ]
        for name in (admin.username, "nobody-at-all")
    ]
    assert seen[0] == seen[1]


# --- networks ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:c000:201", "192.0.2.1"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:0DB8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("unknown", "unknown"),
        ("", ""),
    ],
)
def test_callers_are_counted_by_network(address: str, network: str) -> None:
    assert network_of(address) == network


def test_a_64_of_ipv6_is_one_caller(admin: User, settings: Settings) -> None:
    settings.API_LOGINS_PER_MINUTE = 3
    hosts = [f"2001:db8:0:7:{host:x}::{host:x}" for host in range(6)]
    seen = [try_api(admin.username, "guess", host).status_code for host in hosts]
    assert seen == [401, 401, 401, 429, 429, 429]
    assert try_api(admin.username, PASSWORD, "2001:db8:0:8::1").status_code == 200


def test_so_are_its_wrong_tokens(valkey: PrivateValkey, settings: Settings) -> None:
    settings.API_WRONG_TOKENS_PER_MINUTE = 3
    wrong = {"Authorization": "Bearer mt5m_wrong"}
    seen = [
        Client(REMOTE_ADDR=f"2001:db8:0:7::{host:x}", headers=wrong).get("/api/accounts")
        for host in range(1, 6)
    ]
    assert [answer.status_code for answer in seen] == [401, 401, 401, 429, 429]


# --- devices ----------------------------------------------------------------------------------
def test_a_device_is_known_after_a_whole_sign_in_only(telephone: Telephone) -> None:
    user, client = telephone.set_up(VIEW), Client()
    assert "device" not in try_page(client, user.username).cookies
    signed = client.post("/login/code/", {"code": telephone.code()})
    cookie = signed.cookies["device"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert KnownDevice.objects.filter(user=user).count() == 1
    assert cookie.value not in str(KnownDevice.objects.values().get())


@pytest.mark.parametrize("end", ["password", "everywhere", "factor", "another user", "forged"])
def test_a_device_that_is_not_this_users_any_more_is_a_stranger(
    admin: User, telephone: Telephone, settings: Settings, end: str
) -> None:
    settings.SIGN_INS_PER_HOUR = 0  # nobody but known devices and networks
    client = Client(REMOTE_ADDR=HOME)
    SignIn.note(admin, How.PASSWORD, HOME)
    assert try_page(client, admin.username).status_code == 302
    password, name = PASSWORD, admin.username
    if end == "password":
        admin.set_password(NEW_PASSWORD)
        admin.save(update_fields=["password"])
        password = NEW_PASSWORD
    elif end == "everywhere":
        client.post("/security/sign-out/")
    elif end == "factor":
        set_up_and_remove_a_factor(admin)
    elif end == "another user":
        name = make_user(VIEW).username
    else:
        client.cookies["device"] = "x" * 32
        SignIn.objects.all().delete()
    client.cookies.pop("session", None)
    assert try_page(client, name, password).status_code == 429


def set_up_and_remove_a_factor(user: User) -> None:
    kept = second_factor.new_secret()
    TOTP.activate(user, second_factor.shown(user, kept)[0])
    second_factor.remove(user, by="a test")


def test_a_browser_that_two_people_use_is_known_for_both(admin: User) -> None:
    other, client = make_user(VIEW), Client()
    for user in (admin, other, admin, other):
        assert try_page(client, user.username).status_code == 302
        sign_out(client)
    assert KnownDevice.objects.count() == 2
    attack(admin.username)
    attack(other.username)
    for user in (admin, other):
        assert try_page(client, user.username).status_code == 302
        sign_out(client)


def test_a_planted_cookie_is_worth_nothing_once_somebody_signs_in_there(admin: User) -> None:
    thief, client = Client(), Client()
    try_page(thief, make_user(VIEW).username)
    client.cookies["device"] = thief.cookies["device"].value
    try_page(client, admin.username)
    planted = thief.cookies["device"].value
    mine = KnownDevice.objects.get(user=admin)
    assert mine.digest != KnownDevice.digest_of(planted)


# --- the record -------------------------------------------------------------------------------
@pytest.mark.both_databases
def test_strangers_do_not_push_a_sign_in_out_of_the_record(
    admin: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accounts.models.sign_in.KEPT", 5)
    client = Client(REMOTE_ADDR=HOME)
    try_page(client, admin.username)
    for host in range(12):
        address = f"198.51.100.{host}"
        rate_limit.note_refused(request_from(address), admin.username, How.PASSWORD)
        rate_limit.note_refused(
            request_from(address), "a password in the wrong field", How.PASSWORD
        )
    assert SignIn.objects.get(user=admin, was_refused=False).network == HOME
    assert SignIn.objects.filter(user=admin, was_refused=True).count() == 5
    assert SignIn.objects.filter(user=None).count() == 5
    page = text(client.get("/security/"))
    assert f"from {HOME}" in page
    assert "wrong field" not in str(list(SignIn.objects.values()))


def test_strangers_fill_the_log_with_few_lines(
    admin: User, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "operations")
    attack(admin.username, addresses=20)
    lines = [line for line in caplog.messages if "sign" in line.lower()]
    assert len(lines) == rate_limit.LINES_PER_MINUTE + 1
    assert "see Sign-ins in the admin" in lines[-1]


@pytest.mark.both_databases
def test_many_of_a_kind_on_one_day_are_one_row(admin: User) -> None:
    for _ in range(3):
        assert try_api(admin.username, PASSWORD, HOME).status_code == 200
        assert try_api(admin.username, "guess", HOME).status_code == 401
    rows = SignIn.objects.values_list("was_refused", "how", "network", "count")
    assert sorted(rows) == [(False, "token", HOME, 3), (True, "token", HOME, 3)]
