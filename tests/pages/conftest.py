"""The cast: who may do what on the pages."""

import logging
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from mt5monitor.operations.keeping import Keeping
from tests.factories import make_user
from tests.valkey import PrivateValkey

VIEW = ("accounts.view_account", "accounts.view_agent")


def signed_in(*permissions: str) -> Client:
    client = Client(enforce_csrf_checks=False)
    client.force_login(make_user(*permissions))
    return client


@pytest.fixture
def viewer(db: None) -> Client:
    """A teammate who may look."""
    return signed_in(*VIEW)


@pytest.fixture
def editor(db: None) -> Client:
    """Somebody who may change phase, VS group and firm as well."""
    edits = ("accounts.change_phase", "accounts.change_vs", "accounts.change_account")
    return signed_in(*VIEW, *edits)


@pytest.fixture
def stranger(db: None) -> Client:
    """Signed in, and nothing else."""
    return signed_in()


@pytest.fixture
def kept(valkey: PrivateValkey, settings: Settings) -> Iterator[Keeping]:
    """The handler of the operations log, on the root logger as in production."""
    settings.OPERATIONS_LINES = 1000
    handler = Keeping()
    root = logging.getLogger()
    root.addHandler(handler)
    yield handler
    root.removeHandler(handler)
    handler.close()
