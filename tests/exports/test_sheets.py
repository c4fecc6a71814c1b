"""The desk's spreadsheet at Google: written wholly or not at all, and every failure a sentence."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.test import Client
from pytest_django import Settings

from accounts.exports import google as module
from accounts.exports import sheets as accounts_sheets
from accounts.models import Account
from tests.exports.google import KEY, Google, refusal
from tests.factories import make_account, make_firm, make_trade, make_user
from trading import sheets, tasks

pytestmark = pytest.mark.django_db
EMAIL = "desk@example.iam.gserviceaccount.com"


@pytest.fixture(scope="session")
def key() -> dict[str, str]:
    """Of a service account; what it signs is not looked at."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return {
        "type": "service_account",
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    }


@pytest.fixture
def file(key: dict[str, str], tmp_path: Path, settings: Settings) -> Path:
    path = tmp_path / "key.json"
    path.write_text(json.dumps(key))
    settings.GOOGLE_SHEETS_CREDENTIALS, settings.GOOGLE_SHEETS_ID = str(path), KEY
    return path


@pytest.fixture
def google(file: Path, monkeypatch: pytest.MonkeyPatch) -> Google:
    made = Google()
    monkeypatch.setattr(module, "adapter", made.transport)
    return made


def failing(error: Exception) -> Callable[[], Any]:
    def fail() -> Any:
        raise error

    return fail


def refusing(status: int, message: str = "No.") -> Callable[[], Any]:
    return lambda: (status, refusal(status, message))


def row_of(rows: list[list[Any]], place: int = 1) -> dict[str, Any]:
    return dict(zip(rows[0], rows[place], strict=True))


def test_fleet_and_trades_are_written_as_numbers_times_and_guarded_text(google: Google) -> None:
    account = make_account(
        number=5_100_000_001, balance=Decimal("98250.10"), equity=None, firm=make_firm("=North")
    )
    at = datetime(2026, 3, 4, 10, 0, 0, tzinfo=UTC)
    make_trade(account, profit=Decimal("-7.25"), closed_at=at, position_id=2**60)
    result = sheets.sync_all()
    assert result.ok
    assert result.sentence == "Written to Google Sheets: Fleet (1 row) and Trades (1 row)."
    fleet, trade = (row_of(google.sheets[title]) for title in ("Fleet", "Trades"))
    assert (fleet["Account"], fleet["Balance"], fleet["Equity"]) == (5_100_000_001, 98250.1, "")
    assert fleet["Firm"] == "=North"  # RAW computes nothing
    assert trade["Net"] == -7.25
    assert trade["Closed (UTC)"] == pytest.approx(46085 + 10 / 24, abs=1e-9)
    column = google.sheets["Trades"][0].index("Closed (UTC)")
    assert google.formats["Trades", column] == "yyyy-mm-dd hh:mm:ss"
    assert ("Trades", google.sheets["Trades"][0].index("Net")) not in google.formats
    assert trade["Position"] == str(2**60)  # more digits than a number of a sheet keeps
    assert google.options == {"RAW"}
    assert google.asked == ["token", "read", *["shape", "shape", "write"] * 2]


def test_what_is_there_no_more_is_emptied_and_columns_beside_it_are_left_alone(
    google: Google,
) -> None:
    for number in (11, 12, 13):
        make_account(number=number)
    assert sheets.sync_all().ok
    for row in google.sheets["Fleet"]:
        row.append("mine")
    Account.objects.exclude(number=12).delete()
    google.asked.clear()
    assert sheets.sync_all().ok
    numbers = [row[0] for row in google.sheets["Fleet"]]
    assert numbers == ["Account", 12, "", ""]
    assert {row[-1] for row in google.sheets["Fleet"]} == {"mine"}
    assert google.asked == ["token", "read", "shape", "write", "shape", "write"]


def test_a_sheet_that_is_too_small_grows(google: Google) -> None:
    google.sheets = {"Other": [["x"]], "Fleet": [["", ""]]}
    make_account(number=11)
    assert sheets.sync_all().ok
    assert row_of(google.sheets["Fleet"])["Account"] == 11
    assert google.sheets["Other"] == [["x"]]


def test_trades_of_one_account_have_a_sheet_of_their_own(google: Google) -> None:
    account = make_account(number=4711)
    make_trade(account)
    make_trade(make_account())
    result = sheets.sync_trades(account)
    assert (result.ok, result.written) == (True, {"Trades 4711": 1})
    assert row_of(google.sheets["Trades 4711"])["Account"] == 4711


def test_what_does_not_fit_is_said(google: Google, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(accounts_sheets, "ROWS", 2)
    for _ in range(3):
        make_trade(make_account())
    said = sheets.sync_all().sentence
    assert said.endswith("Fleet (the first 2 of 3 rows) and Trades (the first 2 of 3 rows).")
    assert len(google.sheets["Trades"]) == 3


def test_a_dry_run_opens_the_spreadsheet_and_writes_nothing(google: Google) -> None:
    make_account()
    result = sheets.sync_all(dry_run=True)
    assert (
        result.sentence == "Nothing was written; there would be Fleet (1 row) and Trades (0 rows)."
    )
    assert google.asked == ["token", "read"]
    google.faults["read"] = refusing(403)
    assert not sheets.sync_all(dry_run=True).ok


# --- failures -------------------------------------------------------------------------------------

FAULTS = [
    ("read", refusing(403), f"No access: share the sheet with {EMAIL}, as an editor."),
    ("read", refusing(403, "Sheets API has not been used in project 1"), "is not enabled"),
    ("read", refusing(404), f"There is no spreadsheet {KEY}"),
    ("read", refusing(429), "Google's quota is used up: wait a minute."),
    ("read", refusing(503), "Google failed with HTTP 503"),
    ("read", lambda: (500, b"<html>"), "Google failed with HTTP 500"),
    ("read", lambda: (200, b"<html>"), "Google answered what is not JSON."),
    ("read", failing(requests.ConnectionError("no route")), "Google cannot be reached"),
    ("read", failing(requests.ReadTimeout("late")), "Google did not answer in time."),
    ("token", lambda: (400, {"error": "invalid_grant"}), f"does not accept the key of {EMAIL}"),
    ("token", failing(requests.ConnectionError("no route")), "Google cannot be reached"),
    ("shape", refusing(400, "Bad range."), "Google refused it with HTTP 400: Bad range."),
]


@pytest.mark.parametrize(("what", "fault", "sentence"), FAULTS)
def test_every_failure_is_a_sentence_that_says_what_to_do(
    google: Google, what: str, fault: Callable[[], Any], sentence: str
) -> None:
    google.faults[what] = fault
    result = sheets.sync_all()
    assert (result.ok, result.written) == (False, {})
    assert sentence in result.sentence
    assert "Nothing was written." in result.sentence
    assert google.sheets == {}


def test_a_call_has_no_longer_than_what_is_left_of_the_minute(
    google: Google, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sheets.sync_all().ok
    assert all(0 < seconds <= module.DEADLINE_S for seconds in google.timeouts)
    monkeypatch.setattr(module, "DEADLINE_S", 0.0)
    assert "Google took longer than 0 s." in sheets.sync_all().sentence


def test_what_was_written_before_a_failure_is_said(google: Google) -> None:
    def second_fails() -> Iterator[Any]:
        yield None
        yield refusal(429, "Slow.")

    calls = second_fails()

    def write() -> Any:
        told = next(calls)
        return (200, {}) if told is None else (429, told)

    google.faults["write"] = write
    result = sheets.sync_all()
    assert (result.ok, result.written) == (False, {"Fleet": 0})
    assert result.sentence == (
        "Google's quota is used up: wait a minute. Fleet was written before; Trades was not."
    )


def test_of_a_write_without_an_answer_it_is_not_known_whether_it_was_done(google: Google) -> None:
    for fault in (failing(requests.ReadTimeout("late")), refusing(503)):
        google.faults["write"] = fault
        told = "Whether Fleet was written is not known; Trades was not."
        assert sheets.sync_all().sentence.endswith(told)


def test_a_key_that_is_none_is_a_sentence(google: Google, file: Path) -> None:
    for content, sentence in (
        ("{", f"The key {file} is not JSON."),
        ("\0", f"The key {file} looks like UTF-16 without a byte-order mark. Save it as UTF-8."),
        ("[]", f"{file} is not the JSON key of a service account."),
        ('{"type": "service_account"}', f"{file} is not the JSON key of a service account."),
    ):
        file.write_text(content)
        assert sentence in sheets.sync_all().sentence
    file.unlink()
    assert "cannot be read: No such file or directory." in sheets.sync_all().sentence
    assert google.asked == []


# --- by whom and how ------------------------------------------------------------------------------


def test_without_settings_everything_says_what_to_set(db: None, client: Client) -> None:
    with pytest.raises(CommandError, match="set GOOGLE_SHEETS_CREDENTIALS to the path"):
        call_command("sync_sheets")
    assert "is not set up" in tasks.sync_sheets()
    client.force_login(make_user(is_superuser=True))
    answer = client.post("/api/sync-to-sheets")
    assert answer.status_code == 409
    assert answer.json()["success"] is False
    assert answer.json()["detail"] == answer.json()["message"] == module.NOT_SET_UP
    assert "To Google Sheets" not in client.get("/").content.decode()


def test_the_command_says_what_it_did(google: Google, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("sync_sheets", "--dry-run")
    assert "Nothing was written" in capsys.readouterr().out
    call_command("sync_sheets")
    assert "Written to Google Sheets: Fleet (0 rows)" in capsys.readouterr().out
    google.faults["write"] = refusing(429)
    with pytest.raises(CommandError, match="quota"):
        call_command("sync_sheets")


def test_buttons_are_there_for_those_who_may_and_say_what_came_of_it(
    google: Google, client: Client
) -> None:
    account = make_account(number=4711)
    make_trade(account)
    client.force_login(make_user("accounts.view_account"))
    for page in ("/", "/accounts/4711/history/"):
        assert "To Google Sheets" not in client.get(page).content.decode()
    client.force_login(make_user("accounts.view_account", "accounts.sync_sheets"))
    for page, action in (("/", "/sheets/"), ("/accounts/4711/history/",) * 2):
        action = action if action == "/sheets/" else f"{action}sheets/"
        shown = client.get(page).content.decode()
        assert f'action="{action}"' in shown
        answer = client.post(action)
        assert answer.headers["Location"] == page
        (message,) = get_messages(answer.wsgi_request)
        assert str(message).startswith("Written to Google Sheets: ")


def test_the_api_answers_as_the_originals_did(google: Google, client: Client) -> None:
    make_trade(make_account(number=4711))
    client.force_login(make_user("accounts.view_account", "accounts.sync_sheets"))
    told = client.post("/api/sync-to-sheets").json()
    assert (told["success"], told["written"]) == (True, {"Fleet": 1, "Trades": 1})
    told = client.post("/api/accounts/4711/sync-trades-to-sheets").json()
    assert (told["success"], told["written"]) == (True, {"Trades 4711": 1})
    assert client.post("/api/accounts/4712/sync-trades-to-sheets").status_code == 404
    google.faults["read"] = refusing(404)
    answer = client.post("/api/sync-to-sheets")
    assert (answer.status_code, answer.json()["success"]) == (502, False)
