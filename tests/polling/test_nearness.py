"""A position whose price is near to a level is read more often, and the reason is kept."""

import logging
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import poll_log
from accounts.agents import PositionReading
from accounts.models import Account, Agent, Position
from accounts.polling import poller
from accounts.polling.nearness import Moved, movement, watched
from tests.api.program import Program
from tests.cast import VIEW
from tests.factories import make_user
from tests.polling.ticks import make_due, poll, writes
from tests.scripted_fleet import ScriptedFleet, told, told_positions
from tests.valkey import PrivateValkey


def read(price: str, **columns: Any) -> PositionReading:
    columns = {"ticket": 1, "symbol": "EURUSD", "side": "BUY", "sl": None, "tp": None} | columns
    for name in ("sl", "tp"):
        columns[name] = columns[name] and Decimal(columns[name])
    return PositionReading(
        volume=Decimal(1), open_price=Decimal(columns.pop("opened", "1.2")),
        current_price=Decimal(price), profit=Decimal(0), swap=Decimal(0), commission=None,
        opened_at=None, comment="", magic=None, **columns,
    )  # fmt: skip


def watch(*positions: PositionReading, step: str | None = "0.001", before: str = "") -> str:
    return watched([Moved(one, step and Decimal(step) or None) for one in positions], before)


@pytest.mark.parametrize(
    ("before", "price", "expected"),
    [
        (None, "1.1", None),
        (("1.1", None), "1.1", None),  # it has not moved yet
        (("1.1", None), "1.102", "0.002"),
        (("1.1", None), "1.098", "0.002"),
        (("1.1", "0.004"), "1.1", "0.004"),
        (("1.1", "0.004"), "1.101", "0.0032"),  # a quiet step: the earlier one fades
        (("1.1", "0.004"), "1.11", "0.01"),
    ],
)
def test_the_movement_is_the_last_step_or_what_is_left_of_a_larger_one(
    before: tuple[str, str | None] | None, price: str, expected: str | None
) -> None:
    row = before and Position(
        current_price=Decimal(before[0]), movement=before[1] and Decimal(before[1])
    )
    assert movement(row or None, Decimal(price)) == (expected and Decimal(expected))


@pytest.mark.parametrize(
    ("position", "near"),
    [
        (read("1.1", sl="1.098"), "stop-loss"),
        (read("1.1", sl="1.097"), "stop-loss"),  # three movements away
        (read("1.1", sl="1.0969"), ""),
        (read("1.1", sl="1.15"), "stop-loss"),  # beyond it already
        (read("1.1", tp="1.102"), "take-profit"),
        (read("1.1", tp="1.104"), ""),
        (read("1.1", tp="1.09"), "take-profit"),
        (read("1.1", side="SELL", sl="1.102"), "stop-loss"),
        (read("1.1", side="SELL", sl="1.104"), ""),
        (read("1.1", side="SELL", tp="1.098"), "take-profit"),
        (read("1.1", opened="1.103"), "opening price"),
        (read("1.1", opened="1.0969"), ""),
        (read("1.1", sl="1.099", tp="1.101", opened="1.1"), "stop-loss"),
        (read("1.1"), ""),
    ],
)
def test_near_is_measured_by_the_recent_movement(position: PositionReading, near: str) -> None:
    assert watch(position) == (near and f"EURUSD is near its {near}")
    assert watch(position, step=None) == "", "how it moves is not known yet"


def test_the_most_urgent_of_several_positions_is_named() -> None:
    target = read("1.1", tp="1.101", ticket=1)
    stop = read("2000", sl="1999.999", ticket=2, symbol="XAUUSD", opened="1")
    assert watch(target, stop) == "XAUUSD is near its stop-loss"
    assert watch() == ""


def test_a_price_at_the_border_does_not_change_the_interval_with_every_step() -> None:
    leaving = read("1.1", sl="1.096")
    assert watch(leaving) == ""
    assert watch(leaving, before="EURUSD is near its stop-loss") != ""
    gone = read("1.1", sl="1.0949")
    assert watch(gone, before="EURUSD is near its stop-loss") == ""


def at(fleet: ScriptedFleet, price: float) -> None:
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11, current_price=price, sl=1.09, tp=1.2)
    poll()


@pytest.mark.both_databases
@pytest.mark.django_db
def test_an_agent_is_polled_more_often_while_a_price_is_near_and_says_why(
    fleet: ScriptedFleet, valkey: PrivateValkey, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "accounts.polling.recorder")
    fleet.make_agents(1)
    reasons = []
    for price in (1.15, 1.151, 1.1, 1.102, 1.16, 1.161, 1.161):
        at(fleet, price)
        agent = Agent.objects.get()
        reasons.append((agent.interval.total_seconds(), agent.urgency, agent.interval_reason))
    active = (5, "active", "It has open positions")
    stop = (2, "critical", "EURUSD is near its stop-loss")
    assert reasons[:4] == [active, active, stop, stop]
    assert "Agent vps-0001 is polled every 2 s (critical): EURUSD is near its stop-loss" in (
        caplog.text
    )
    counted = poll_log.intervals_chosen()
    assert counted is not None
    assert counted["active"] >= 1
    assert counted["critical"] == 1
    fleet.replies[1] = told(1)
    poll()
    assert Account.objects.get().watch == ""
    agent = Agent.objects.get()
    assert (agent.interval, agent.urgency) == (timedelta(seconds=12), "standard")


@pytest.mark.both_databases
@pytest.mark.django_db
def test_what_is_near_costs_nothing_while_its_price_rests(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    for price in (1.15, 1.1, 1.1):
        at(fleet, price)
    assert Agent.objects.get().urgency == "critical"
    make_due()
    with CaptureQueriesContext(connection) as queries:
        poller.poll_due(reachable=True)
    claim, *rest = writes(queries)
    assert len(rest) == 1, rest
    assert "last_seen_at" in rest[0]


@pytest.mark.django_db
def test_programs_are_told_how_often_an_agent_is_polled_and_why(
    fleet: ScriptedFleet, valkey: PrivateValkey
) -> None:
    fleet.make_agents(2)
    at(fleet, 1.15)
    program = Program(make_user(*VIEW, "accounts.view_agent"))
    first, second = program.get("agents/status")
    assert (first["poll_interval_s"], first["poll_urgency"]) == (5, "active")
    assert first["poll_reason"] == "It has open positions"
    assert first["next_poll"] is not None
    assert (second["poll_urgency"], second["poll_reason"]) == ("standard", "Flat")
    stats = program.get("cache/stats")
    assert stats["agents_by_urgency"] == {"active": 1, "standard": 1}
    assert stats["intervals_chosen"] == {"active": 1, "standard": 1}
    with valkey.away():
        assert program.get("cache/stats")["intervals_chosen"] is None
