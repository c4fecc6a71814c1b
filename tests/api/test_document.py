"""What the API does is what its document says: every operation, with examples good and bad."""

import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from pytest_django import Settings
from schemathesis import Case, GenerationMode
from schemathesis.config import SchemathesisConfig

from accounts.polling import poller
from mt5monitor.api.site import api
from tests.api.program import Program
from tests.cast import somebody
from tests.factories import make_account, make_order, make_position, make_user, make_versus
from tests.valkey import PrivateValkey
from trading import quotes
from trading.sizing import Refused

pytestmark = pytest.mark.django_db
DOCUMENT = api.get_openapi_schema()
OPERATIONS = [(method, route) for route, known in DOCUMENT["paths"].items() for method in known]
EXAMPLES = int(os.environ.get("SCHEMA_EXAMPLES", "6"))
# 400: it was understood, and something stands against it, such as a symbol that is none.
UNDERSTOOD = ["2xx", "3xx", 400, 401, 403, 404, 409, 429]
CONFIG = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": UNDERSTOOD}}}
)


@pytest.fixture(autouse=True)
def _asks_no_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poller, "refresh", lambda agents, **_: iter(()))
    monkeypatch.setattr(quotes, "fresh", _no_quote)


def _no_quote(*_: object) -> None:
    raise Refused("There is no quote in tests.")


@pytest.fixture(autouse=True)
def _as_often_as_it_likes(settings: Settings) -> None:
    settings.API_REQUESTS_PER_MINUTE = settings.API_WRONG_TOKENS_PER_MINUTE = 1_000_000


@pytest.fixture
def _one_connection() -> Iterator[None]:
    """Requests run in the transaction of the test, and must not close its connection."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def program(
    _one_connection: None, valkey: PrivateValkey, trading_on: None, versus_on: None
) -> Program:
    boss = somebody("boss")
    assert boss is not None
    account = make_account(number=4711)
    make_position(account)
    make_order(account)
    make_versus(make_user(), account_a=account)
    return Program(boss)


def _modes(operation: dict[str, Any]) -> list[GenerationMode]:
    """Where nothing is asked for, nothing can be wrong."""
    if operation.get("parameters") or operation.get("requestBody"):
        return list(GenerationMode)
    return [GenerationMode.POSITIVE]


@pytest.mark.parametrize(("method", "route"), OPERATIONS)
def test_the_document_tells_the_truth(program: Program, method: str, route: str) -> None:
    document = schemathesis.openapi.from_dict(dict(DOCUMENT), config=CONFIG)
    document.app = get_wsgi_application()
    operation = document[route][method]
    headers = {"Authorization": f"Bearer {program.key}", "Accept-Encoding": "identity"}

    for mode in _modes(DOCUMENT["paths"][route][method]):

        @hypothesis_settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def holds(case: Case) -> None:
            with transaction.atomic():
                case.call_and_validate(headers=headers)
                transaction.set_rollback(True)

        _holds: Any = holds
        _holds()


def test_every_operation_has_a_title_that_says_of_what_it_is() -> None:
    titles = [DOCUMENT["paths"][route][method]["summary"] for method, route in OPERATIONS]
    assert len(set(titles)) == len(titles)
    assert [title for title in titles if " " not in title] == []
