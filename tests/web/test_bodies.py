"""Which limit belongs to which path."""

import pytest
from django.conf import settings
from django.urls import resolve, reverse

from accounts.admin.agent_import import FILE_MOST
from accounts.signin.forms import PASSKEY_BYTES
from mt5monitor.web.bodies import IMPORT, SIGNING_IN, USUAL, WHOLE_FLEET, most_bytes

FLEETS = ("/close/", "/edit/", "/refresh/", "/accounts/4711/close/", "/admin/accounts/account/")
KNOWN_TO_ALL = ("/login/", "/login/code/", "/admin/login/", "/api/auth/login", "/security/app/")


@pytest.mark.parametrize("path", FLEETS)
def test_forms_of_a_whole_fleet_are_as_large_as_django_reads(path: str) -> None:
    assert most_bytes(path.encode()) == WHOLE_FLEET == settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    resolve(path)


def test_a_form_that_closes_all_a_fleet_holds_fits() -> None:
    field = len("position=1234567890123456789%40Broker-Live-1234567890123456789&") + 48
    assert field * settings.DATA_UPLOAD_MAX_NUMBER_FIELDS < WHOLE_FLEET


@pytest.mark.parametrize("path", KNOWN_TO_ALL)
def test_who_is_not_signed_in_may_send_little(path: str) -> None:
    assert PASSKEY_BYTES * 2 < most_bytes(path.encode()) == SIGNING_IN
    resolve(path)


def test_an_import_takes_its_file_and_its_text() -> None:
    path = reverse("admin:accounts_agent_import_agents")
    assert 2 * FILE_MOST < most_bytes(path.encode()) == IMPORT


@pytest.mark.parametrize("path", ["/", "/nothing", "/api/accounts/4711/trade/open", "*", ""])
def test_all_else_has_the_usual_limit(path: str) -> None:
    assert most_bytes(path.encode()) == USUAL


@pytest.mark.parametrize("target", ["/%6cogin/", "/login/?x=/admin/", "/login/?/close/"])
def test_a_target_is_known_by_its_path_however_it_is_written(target: str) -> None:
    assert most_bytes(target.encode()) == SIGNING_IN
