"""refresh_accounts: reads accounts now, with the stack up or down."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from accounts.models import Account
from tests.factories import make_account, make_agent
from tests.scripted_fleet import ScriptedFleet, told

# No Valkey runs here: refreshing must not need one.
pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def fleet(settings: Settings) -> Iterator[ScriptedFleet]:
    settings.RECOVERY_RETRY_S = 0.01
    with ScriptedFleet() as fleet:
        yield fleet


def run(*options: str) -> str:
    out = io.StringIO()
    call_command("refresh_accounts", *options, stdout=out)
    return out.getvalue()


def test_all_enabled_agents_are_read(fleet: ScriptedFleet) -> None:
    fleet.make_agents(3)
    make_agent(enabled=False)

    said = run()

    assert "3 agents read." in said
    assert "vps-0001: Read in" in said
    assert set(Account.objects.values_list("number", flat=True)) == {1, 2, 3}


def test_one_account_is_read_through_its_agent_alone(fleet: ScriptedFleet) -> None:
    one, _ = fleet.make_agents(2)
    make_account(number=1, agent=one)

    assert "1 agent read." in run("--account", "1")
    assert {index for index, _ in fleet.asked} == {1}


@pytest.mark.both_databases
def test_agents_and_accounts_may_be_named_together(fleet: ScriptedFleet) -> None:
    agents = fleet.make_agents(3)
    make_account(number=1, agent=agents[0])
    run("--account", "1", "--agent", "vps-0003")
    assert {index for index, _ in fleet.asked} == {1, 3}


@pytest.mark.both_databases
def test_what_is_not_known_is_listed_and_nothing_is_read(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    make_account(number=9, agent=None)
    with pytest.raises(CommandError) as refused:
        run("--account", "5", "--account", "9", "--agent", "nobody", "--agent", "vps-0001")
    assert str(refused.value).splitlines() == [
        "There is no account 5.",
        "Account 9 has no agent that could be asked.",
        "There is no agent nobody.",
    ]
    assert not fleet.asked


def test_a_failure_is_in_the_table_and_in_the_exit_status(fleet: ScriptedFleet) -> None:
    fleet.make_agents(2)
    fleet.failing.add(2)
    out = io.StringIO()
    with pytest.raises(CommandError, match="1 of 2 agents failed.") as failed:
        call_command("refresh_accounts", stdout=out)
    assert failed.value.returncode == 1
    assert "refused-request" in out.getvalue()
    assert Account.objects.get().number == 1


@pytest.mark.both_databases
def test_what_agents_say_is_never_markup_on_the_terminal(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, balance="[red]\x1b[31mx")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("refresh_accounts", stdout=out)
    assert "\x1b" not in out.getvalue()


def test_on_a_terminal_a_bar_replaces_the_lines(
    fleet: ScriptedFleet, capfd: pytest.CaptureFixture[str]
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    fleet.make_agents(2)
    out: Any = Terminal()
    call_command("refresh_accounts", stdout=out)
    assert "vps-0001: " not in out.getvalue()
    assert "vps-0001" in out.getvalue()
