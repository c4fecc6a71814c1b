from dataclasses import replace
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import Agent
from mt5monitor.stack.demo import (
    CHANGED_BY_SOMEBODY,
    allow_trading,
    forget_histories,
    keep_agents,
    keep_user,
    prepare_rows,
)
from mt5monitor.stack.fleet import Fleet
from tests.factories import make_account, make_agent, make_deal, make_trade
from trading.models import ClosedTrade, Deal, HistorySync, TradingSwitch

pytestmark = pytest.mark.django_db

FLEET = Fleet(port=9101, secret_seed="seed", agents=4)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo_password"


def started(fleet: Fleet) -> Fleet:
    """As prepare_rows does: the rows, and then the note that they are there."""
    keep_agents(fleet)
    return replace(fleet, rows=fleet.agents)


def enabled() -> list[str]:
    return list(Agent.objects.filter(enabled=True).values_list("name", flat=True))


def test_the_password_is_made_once_and_opens_the_door(file: Path) -> None:
    keep_user(file, "")
    first = file.read_text()
    keep_user(file, "")
    assert file.read_text() == first
    user = get_user_model().objects.get(username="demo")
    assert user.check_password(first)
    assert user.is_superuser
    assert file.stat().st_mode & 0o077 == 0


def test_a_given_password_replaces_the_kept_one(file: Path) -> None:
    keep_user(file, "")
    keep_user(file, "given")
    keep_user(file, "")
    assert file.read_text() == "given"
    assert get_user_model().objects.get(username="demo").check_password("given")


def test_a_given_password_is_as_long_as_everybodys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mt5monitor.stack.demo.read_fleet", lambda _: object())
    monkeypatch.setenv("DEMO_PASSWORD", "elevenchars")
    with pytest.raises(OSError, match="DEMO_PASSWORD needs 12 characters"):
        prepare_rows()
    with pytest.raises(ValidationError, match="at least 12 characters"):
        validate_password("elevenchars")
    validate_password("twelve-chars")


def test_a_password_that_somebody_changed_stays_and_is_not_told(file: Path) -> None:
    keep_user(file, "")
    user = get_user_model().objects.get(username="demo")
    user.set_password("their own")
    user.save()
    keep_user(file, "")
    assert file.read_text() == CHANGED_BY_SOMEBODY
    user.refresh_from_db()
    assert user.check_password("their own")
    keep_user(file, "")
    assert file.read_text() == CHANGED_BY_SOMEBODY


def test_every_second_agent_signs_with_a_secret_of_its_own() -> None:
    started(FLEET)
    rows = list(Agent.objects.order_by("name"))
    assert [agent.name for agent in rows] == ["vps-01", "vps-02", "vps-03", "vps-04"]
    assert [agent.contract for agent in rows] == ["1", "2", "1", "2"]
    assert rows[0].secret is None
    assert rows[1].secret == FLEET.secret(2).encode()
    assert rows[1].secret != rows[3].secret


def test_another_port_moves_the_agents_and_keeps_their_secrets() -> None:
    fleet = started(FLEET)
    started(replace(fleet, port=9102))
    agent = Agent.objects.get(name="vps-02")
    assert agent.url == "http://127.0.0.1:9102/agents/2"
    assert agent.secret == FLEET.secret(2).encode()
    assert Agent.objects.count() == 4


def test_a_smaller_demo_disables_and_a_larger_one_enables_and_adds() -> None:
    fleet = started(replace(started(FLEET), agents=2))
    assert enabled() == ["vps-01", "vps-02"]
    started(replace(fleet, agents=5))
    assert enabled() == ["vps-01", "vps-02", "vps-03", "vps-04", "vps-05"]


def test_what_somebody_disabled_or_deleted_or_renamed_stays_so() -> None:
    fleet = started(FLEET)
    Agent.objects.filter(name="vps-01").update(enabled=False)
    Agent.objects.filter(name="vps-02").delete()
    Agent.objects.filter(name="vps-03").update(name="mine")
    started(fleet)
    assert enabled() == ["mine", "vps-04"]


def test_a_new_database_gets_all_agents_although_an_older_one_had_them() -> None:
    started(replace(FLEET, rows=4))
    assert len(enabled()) == 4


def test_agents_of_a_desk_are_left_alone() -> None:
    Agent.objects.create(name="vps-01", url="http://10.0.0.5:8000")
    started(FLEET)
    assert Agent.objects.get(name="vps-01").url == "http://10.0.0.5:8000"
    assert Agent.objects.get(name="demo-vps-01").url == FLEET.url(1)


def test_a_restarted_fleet_loses_its_history_and_a_desk_keeps_its_own() -> None:
    """It opens other positions at other times then, and the deals of both add up to nothing."""
    started(FLEET)
    ours = make_account(agent=Agent.objects.get(name="vps-02"))
    desks = make_account(agent=make_agent(url="http://10.0.0.5:8000"))
    for account in (ours, desks):
        make_deal(account)
        make_trade(account)
        HistorySync.objects.create(account=account)
    forget_histories()
    for model in (Deal, ClosedTrade, HistorySync):
        assert [row.account_id for row in model._default_manager.all()] == [desks.pk]


def test_trading_is_on_in_the_demo_until_somebody_stops_it() -> None:
    desk = Agent.objects.create(name="mine", url="http://10.0.0.5:8000")
    started(FLEET)
    allow_trading()
    assert TradingSwitch.on().exists()
    assert Agent.objects.filter(trading_enabled=True).count() == 4
    desk.refresh_from_db()
    assert not desk.trading_enabled
    TradingSwitch.objects.update(is_on=False, changed_by="somebody")
    allow_trading()
    assert not TradingSwitch.on().exists()
