"""Polling through real HTTP into real rows."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import poll_log
from accounts.models import Account, Agent, Position
from accounts.polling import poller
from accounts.polling.poll_result import Result
from accounts.polling.recorder import Recorder
from tests.polling.conftest import Published
from tests.polling.ticks import make_due, poll, writes
from tests.scripted_fleet import ScriptedFleet, told, told_positions
from tests.valkey import PrivateValkey

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


def test_the_first_answer_makes_a_row_of_its_account(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(7001, balance=100250.55, has_open_position=True)
    fleet.positions[1] = told_positions(7001, 11, 12)
    assert poll() == 1
    account = Account.objects.get(number=7001)
    assert (account.balance, account.floating) == (Decimal("100250.55"), Decimal("20.00"))
    assert (account.holder, str(account.firm), str(account.phase)) == ("Ana Ruiz", "North", "F1")
    assert account.open_positions == 2
    assert set(account.positions.values_list("ticket", flat=True)) == {11, 12}
    assert Agent.objects.get().status == "online"


@pytest.mark.parametrize("count", [69, 1000])
def test_a_sweep_in_which_nothing_changed_is_one_update(
    fleet: ScriptedFleet, published: Published, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    # However long this machine takes, the sweep is confirmed once, at its end.
    monkeypatch.setattr(poller, "TOUCH_EVERY_S", 3600)
    fleet.make_agents(count)
    poll()
    assert Account.objects.count() == count
    before = Agent.objects.earliest("last_seen_at").last_seen_at
    make_due()
    published.__init__()  # type: ignore[misc]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert poller.poll_due(reachable=True) == count
    claim, *rest = writes(queries)
    assert '"claim"' in claim
    assert len(rest) == 1, rest
    assert re.match(r'UPDATE "accounts_agent" SET "last_seen_at" = [^=]+ WHERE', rest[0])
    assert (published.numbers, published.added, published.agents) == ([], [], [])
    assert before is not None
    assert not Agent.objects.filter(last_seen_at__lte=before).exists()


def test_the_agents_own_last_updated_is_no_change(
    fleet: ScriptedFleet, published: Published
) -> None:
    fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, last_updated="2026-01-05T10:00:59")
    published.__init__()  # type: ignore[misc]
    poll()
    assert published.numbers == []


def test_the_first_answer_already_says_how_soon_the_agent_is_wanted_again(
    fleet: ScriptedFleet,
) -> None:
    (agent,) = fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11)
    poll()
    agent.refresh_from_db()
    assert agent.interval == timedelta(seconds=5)
    Account.objects.update(agent=None)
    Agent.objects.update(interval=timedelta(seconds=60))
    poll()
    agent.refresh_from_db()
    assert agent.interval == timedelta(seconds=5)


def test_only_the_columns_that_changed_are_written(fleet: ScriptedFleet) -> None:
    fleet.make_agents(3)
    poll()
    fleet.replies[2] = told(2, balance=99000.0)
    make_due()
    with CaptureQueriesContext(connection) as queries:
        poller.poll_due(reachable=True)
    updates = [line for line in writes(queries) if '"accounts_account"' in line]
    assert len(updates) == 1
    written = set(re.findall(r'"(\w+)" = ', updates[0].split(" SET ")[1].split(" WHERE ")[0]))
    assert written == {"balance", "changed_at", "equity"}
    assert Account.objects.get(number=2).balance == Decimal("99000.00")


def test_a_poll_leaves_what_people_wrote_alone(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    poll()
    Account.objects.update(holder="Edited", note="Mine", initial_balance=Decimal(50000))
    fleet.replies[1] = told(1, balance=98000.0, account_holder="Other", initial_balance=1.0)
    poll()
    account = Account.objects.get()
    assert (account.holder, account.note, account.initial_balance) == ("Edited", "Mine", 50000)
    assert account.balance == Decimal("98000.00")


def test_an_initial_balance_that_nobody_knows_is_unknown_and_taken_when_told(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, initial_balance=None, account_holder="Unknown", prop_firm="N/A")
    poll()
    account = Account.objects.get()
    assert (account.initial_balance, account.holder, account.firm) == (None, "", None)
    assert account.pl_now is None
    fleet.replies[1] = told(1, initial_balance=90000.0)
    poll()
    account.refresh_from_db()
    assert (account.initial_balance, account.holder) == (90000, "Ana Ruiz")


def test_positions_are_replaced_as_a_set(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11, 12)
    poll()
    kept = Position.objects.get(ticket=12).pk
    fleet.positions[1] = told_positions(1, 12, 13, profit=-4.25)
    poll()
    assert set(Position.objects.values_list("ticket", flat=True)) == {12, 13}
    assert Position.objects.get(ticket=12).pk == kept
    assert Position.objects.get(ticket=12).profit == Decimal("-4.25")
    fleet.replies[1] = told(1)
    poll()
    assert not Position.objects.exists()


@pytest.mark.parametrize(
    "lie",
    [
        {"account_number": 0, "positions": [], "total_profit": 0, "position_count": 0},
        {"account_number": 1, "positions": [], "total_profit": 0, "position_count": 0},
        b"<html>gateway</html>",
        None,
    ],
    ids=["login 0", "empty beside has_open_position", "html", "404"],
)
def test_a_lying_positions_read_never_empties_the_positions(fleet: ScriptedFleet, lie: Any) -> None:
    fleet.make_agents(1)
    fleet.replies[1] = told(1, has_open_position=True)
    fleet.positions[1] = told_positions(1, 11)
    poll()
    fleet.positions[1] = lie
    poll()
    account = Account.objects.get()
    assert account.positions.count() == 1
    assert (account.open_positions, account.floating, account.equity) == (None, None, None)
    assert account.positions_error
    assert Agent.objects.get().status == "online"


def test_a_reply_older_than_the_row_is_dropped(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.replies[1] = told(1, balance=1.0)
    Agent.objects.update(last_seen_at=timezone.now() + timedelta(seconds=4))
    make_due()
    poller.poll_due(reachable=True)
    assert Account.objects.get().balance == 100000


def test_one_reply_that_the_database_refuses_does_not_cost_the_others_theirs(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    fleet.make_agents(3)
    poll()
    update = poller.Recorder._record

    def refuse(recorder: Any, batch: Any) -> set[int]:
        if any(r.reading and r.reading.accounts[0].number == 2 for r in batch):
            raise OverflowError("too large for the column")
        return update(recorder, batch)

    monkeypatch.setattr(poller.Recorder, "_record", refuse)
    fleet.replies = {index: told(index, balance=5.0) for index in (1, 2, 3)}
    poll()
    assert dict(Account.objects.values_list("number", "balance")) == {1: 5, 2: 100000, 3: 5}
    assert Agent.objects.get(name="vps-0002").status_code == "unwritable"
    assert "could not be written" in caplog.text


def test_an_account_that_was_deleted_here_is_asked_for_anew(fleet: ScriptedFleet) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    Agent.objects.update(etag='"v7"')
    at = timezone.now()
    nothing_changed = Result(agent.pk, agent.url, at, at, 0.0)
    Recorder(touch_every_s=3600).record([nothing_changed])
    assert Agent.objects.get().etag == '"v7"'
    Account.objects.all().delete()
    Recorder(touch_every_s=3600).record([nothing_changed])
    assert Agent.objects.get().etag == ""


def test_disabled_agents_are_not_polled(fleet: ScriptedFleet) -> None:
    fleet.make_agents(1, enabled=False)
    assert poll() == 0


def test_recent_polls_are_remembered_newest_first(
    fleet: ScriptedFleet, valkey: PrivateValkey
) -> None:
    (agent,) = fleet.make_agents(1)
    poll()
    fleet.failing.add(1)
    poll()
    assert [poll.code for poll in poll_log.recent(agent.pk)] == ["refused-request", ""]
    assert poll_log.latest([agent.pk, 10_000])[agent.pk].code == "refused-request"
    assert poll_log.pools()[0]["requests"] >= 2


def test_all_that_polls_leave_in_valkey_goes_by_itself(
    fleet: ScriptedFleet, valkey: PrivateValkey
) -> None:
    fleet.make_agents(2)
    poll()
    with valkey.client() as client:
        left = {key: client.ttl(key) for key in client.scan_iter("*")}
    assert len(left) == 4
    assert min(left.values()) > 0, (
        "a process that ends, or an agent that is deleted, leaves nothing"
    )
