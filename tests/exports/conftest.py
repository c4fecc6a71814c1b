"""Who exports."""

import pytest
from django.test import Client

from tests.factories import make_user


@pytest.fixture
def viewer(db: None) -> Client:
    client = Client()
    client.force_login(make_user("accounts.view_account"))
    return client
