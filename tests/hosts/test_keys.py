"""Hosts of one site have keys that go together; which, is compared without showing them."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from mt5monitor.hosts import entry, keys
from mt5monitor.hosts.models import LIVE, Host
from mt5monitor.hosts.unfit import Unfit

ENDED = LIVE + timedelta(seconds=5)
RUNS = (
    "^Host second used another SECRET_KEY less than 150 seconds ago. "
    "End its processes, wait 150 seconds, then try again.$"
)


@pytest.fixture(autouse=True)
def mine(settings: Settings) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "one", []
    settings.AGENT_SECRETS_KEYS = ["box"]
    settings.TRADING_ENABLED, settings.INSTANCE_ID = True, "desk"


def prints(**known: list[str]) -> dict[str, list[str]]:
    names = {"SECRET_KEY": ["one"], "AGENT_SECRETS_KEYS": ["box"], "INSTANCE_ID": ["desk"]} | known
    return {name: [keys.fingerprint(name, key) for key in each] for name, each in names.items()}


def host(name: str = "second", age: timedelta = timedelta(0), **known: list[str]) -> Host:
    seen_at = timezone.now() - age
    return Host.objects.create(id=name, name=name, number=1, keys=prints(**known), seen_at=seen_at)


# What the other host has, while it runs, and which setting is named: empty where they agree.
TOGETHER = [
    ({}, ""),
    ({"SECRET_KEY": ["two"]}, "SECRET_KEY"),
    ({"AGENT_SECRETS_KEYS": ["other"]}, "AGENT_SECRETS_KEYS"),
    ({"INSTANCE_ID": ["copy"]}, "INSTANCE_ID"),
    ({"SECRET_KEY": ["one", "two"]}, ""),
    ({"SECRET_KEY": ["two", "one"]}, "SECRET_KEY"),  # what it signs is not understood here
    ({"AGENT_SECRETS_KEYS": ["box", "older"]}, ""),
]


@pytest.mark.both_databases
@pytest.mark.parametrize(("theirs", "named"), TOGETHER)
def test_a_host_with_keys_that_do_not_go_with_a_running_one_is_refused(
    db: None, theirs: dict[str, list[str]], named: str
) -> None:
    host(**theirs)
    why = keys.refusal(keys.own(), "me")
    assert why.startswith(f"{named} of this host differs from the one of host second") == bool(
        named
    )
    assert (not why) == (not named)


@pytest.mark.both_databases
def test_both_keys_on_both_hosts_let_one_after_the_other_change_over(
    db: None, settings: Settings
) -> None:
    host(SECRET_KEY=["one", "two"])
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "two", ["one"]
    keys.check("me")


# Nobody else runs: what the site used until now, and what this host has.
ALONE = [
    ({"SECRET_KEY": ["one"]}, {}, ""),
    ({"SECRET_KEY": ["old"]}, {}, "SECRET_KEY"),
    ({"SECRET_KEY": ["old"]}, {"SECRET_KEY_FALLBACKS": ["old"]}, ""),
    ({"AGENT_SECRETS_KEYS": ["old"]}, {}, "AGENT_SECRETS_KEYS"),
    ({"AGENT_SECRETS_KEYS": ["old"]}, {"AGENT_SECRETS_KEYS": ["box", "old"]}, ""),
    ({"INSTANCE_ID": ["old"]}, {}, ""),  # trading is off then, which is another matter
]


@pytest.mark.parametrize("me", ["second", "me"])
@pytest.mark.parametrize(("before", "have", "named"), ALONE)
def test_a_key_that_was_changed_without_keeping_the_old_one_is_refused(
    db: None,
    settings: Settings,
    before: dict[str, list[str]],
    have: dict[str, list[str]],
    named: str,
    me: str,
) -> None:
    host(age=ENDED, **before)
    for name, value in have.items():
        setattr(settings, name, value)
    if not named:
        keys.check(me)
        return
    with pytest.raises(Unfit, match=f"^{named} is not the one that this site has used until now"):
        keys.check(me)


@pytest.mark.both_databases
def test_a_changed_key_is_accepted_by_command(db: None) -> None:
    host(age=ENDED, SECRET_KEY=["old"])
    out = StringIO()
    call_command("accept_keys", stdout=out)
    assert out.getvalue() == "Keys accepted. Forgotten: those of second.\n"
    keys.check("me")


@pytest.mark.both_databases
def test_nothing_is_accepted_while_a_host_runs_with_other_keys(db: None) -> None:
    host(SECRET_KEY=["old"])
    with pytest.raises(CommandError, match=RUNS):
        call_command("accept_keys")
    assert Host.objects.get().keys == prints(SECRET_KEY=["old"])


def test_without_tables_the_command_says_what_to_run(
    db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def accept() -> list[str]:
        raise OperationalError("no such table: hosts_host")

    monkeypatch.setattr(keys, "accept", accept)
    monkeypatch.setattr(entry, "_lacks_tables", lambda: True)
    sentence = r"no such table: hosts_host\. Run `manage\.py migrate` first\.$"
    with pytest.raises(CommandError, match=sentence):
        call_command("accept_keys")


def test_accepting_what_is_in_use_changes_nothing(db: None) -> None:
    host(age=ENDED)
    out = StringIO()
    call_command("accept_keys", stdout=out)
    assert out.getvalue() == "These keys are the ones in use. Nothing was changed.\n"


def test_where_nothing_is_traded_the_instance_does_not_matter(db: None, settings: Settings) -> None:
    host(INSTANCE_ID=["other"])
    settings.TRADING_ENABLED = False
    keys.check("me")


def test_a_fingerprint_is_of_one_setting_and_is_not_the_key() -> None:
    one = keys.fingerprint("SECRET_KEY", "a key of many letters")
    assert one != keys.fingerprint("INSTANCE_ID", "a key of many letters")
    assert len(one) == keys.LENGTH
    assert int(one, 16) >= 0
