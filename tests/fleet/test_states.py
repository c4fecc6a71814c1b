"""A state has one name: on both lists, in their filters, in files and in the admin."""

import re

import pytest
from django.test import Client

from accounts.fleet.states import STATES
from accounts.models import Agent
from tests.exports.files import csv_rows
from tests.factories import make_account, make_agent, make_user
from tests.pages.reading import cell, text, words


def shown_state(page: str) -> str:
    found = re.search(r'<td data-cell="state">(.*?)</td>', page)
    assert found is not None
    return words(found[1])


@pytest.mark.parametrize("status", Agent.Status.values)
def test_a_state_has_one_name_everywhere(viewer: Client, status: str) -> None:
    agent = make_agent(status=status)
    account = make_account(agent=agent)
    name = STATES[Agent.Status(status)]
    page = text(viewer.get(f"/?state={status}"))
    assert cell(page, account.number, "state") == name
    assert f'<option value="{status}" selected>{name}</option>' in page
    (row,) = csv_rows(viewer, "/export.csv")
    assert row["State"] == name
    agents = text(viewer.get(f"/agents/?state={status}"))
    assert shown_state(agents) == name
    assert f'<option value="{status}" selected>{name} (1)</option>' in agents
    staff = Client()
    staff.force_login(make_user(is_staff=True, is_superuser=True))
    assert name in words(text(staff.get("/admin/accounts/agent/")))
    assert f">{name}</option>" in text(staff.get("/admin/accounts/account/"))
