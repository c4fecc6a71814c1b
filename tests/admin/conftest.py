"""Who uses the admin."""

from collections.abc import Callable

import pytest
from django.test import Client

from tests.factories import make_user

SignIn = Callable[..., Client]


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """A client of a staff member with these permissions."""

    def signed_in(*permissions: str) -> Client:
        client = Client()
        client.force_login(make_user(*permissions, is_staff=True))
        return client

    return signed_in


@pytest.fixture
def boss(db: None) -> Client:
    """A client of somebody who may do everything."""
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client
