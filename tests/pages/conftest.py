"""The cast: who may do what on the pages."""

import pytest
from django.test import Client

from tests.factories import make_user

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
