"""Versus of the original: those that wait are taken, never armed; live ones are told of, loudly."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError

from tests.factories import make_account, make_user, make_versus
from tests.original.folder import Folder, database, waiting
from trading.models import Order, Versus
from trading.versus import schedule
from trading.versus.changes import change
from trading.versus.states import State
from trading.versus.timeline import Timeline

pytestmark = pytest.mark.django_db


class Desk:
    """`--user` is somebody who may run versus; both accounts are known by their phases."""

    def __init__(self, folder: Folder) -> None:
        self.folder, self.user = folder, make_user("trading.run_versus")
        folder.write(phases={"5001": "F1", "5002": "F1"})

    def run(self, told: Any, *options: str) -> str:
        self.folder.write(versus_data=told)
        return self.folder.run("--user", self.user.username, *options)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(Folder(tmp_path))


def test_one_that_waits_becomes_a_row_with_its_stops_as_money(desk: Desk) -> None:
    said = desk.run(waiting())
    versus = Versus.objects.get()
    assert (versus.login_a, versus.login_b, versus.side_a) == (5001, 5002, "BUY")
    assert (versus.symbol_a, versus.symbol_b, versus.lots) == ("EURUSD", "EURUSD", Decimal("0.5"))
    assert (versus.sl_a, versus.tp_a) == (Decimal("100.50"), Decimal("150.00"))
    assert (versus.sl_b, versus.tp_b) == (None, Decimal("140.00"))
    assert (versus.runner, versus.state) == (desk.user, State.PENDING)
    assert "ab12cd34 taken waits, not armed: 0.5 lots EURUSD, 5001 keeps the BUY" in said
    first, second = versus.events.all()
    assert (first.state, first.actor) == ("pending", desk.user.username)
    assert second.data == {"original": "ab12cd34"}
    assert not Timeline(list(versus.events.all())).acknowledgements


def test_a_schedule_is_told_and_never_taken_over(desk: Desk) -> None:
    said = desk.run(waiting(scheduled_congelar="2020-01-01T10:00:00", scheduled_transferir="<b>"))
    assert "was scheduled to freeze at 2020-01-01 10:00:00 UTC and transfer at <b>" in said
    assert "schedule it anew" in said
    versus = Versus.objects.get()
    assert (versus.freeze_at, versus.transfer_at) == (None, None)
    assert "schedule it anew" in versus.events.last().text  # type: ignore[union-attr]
    schedule.tend()
    versus.refresh_from_db()
    assert (versus.state, Order.objects.count()) == (State.PENDING, 0)


def test_several_that_wait_on_one_account_are_told_apart(desk: Desk) -> None:
    first = waiting("first", created_at="2026-01-02T10:00:00.123456")
    second = waiting(
        "second", symbol="XAUUSD", lots=0.2, side="SELL", created_at="2026-01-03T08:30:00",
        scheduled_congelar="2026-01-04T09:00:00+02:00",
    )  # fmt: skip
    said = desk.run(first | second)
    assert "5002 the other side, of 2026-01-02 10:00:00 UTC" in said
    assert (
        "second skipped account 5001 is part of versus first of the same file; 0.2 lots XAUUSD, "
        "5001 SELL against 5002, of 2026-01-03 08:30:00 UTC scheduled to freeze at "
        "2026-01-04 07:00:00 UTC" in said
    )
    change(Versus.objects.get(), State.CANCELLED, "Not wanted.")
    assert "second taken waits, not armed: 0.2 lots XAUUSD" in desk.run(first | second)


@pytest.mark.both_databases
def test_a_second_run_makes_no_second_one_whatever_became_of_the_first(desk: Desk) -> None:
    desk.run(waiting())
    versus = Versus.objects.get()
    change(versus, State.CANCELLED, "Not wanted.")
    before = database()
    said = desk.run(waiting())
    assert f"ab12cd34 kept taken before; here it is {versus.code}, cancelled" in said
    assert database() == before


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"account_a": "5001"}, "account_a must be an account number, not text."),
        ({"account_a": 0}, "account_a is 0, which is no account number."),
        ({"account_b": 5001}, "A and B are one account"),
        ({"account_b": 5009}, "account 5009 is not known here: have its agent polled"),
        ({"account_b": True}, "account_b must be an account number, not true or false."),
        ({"account_b": 5e3}, "account_b must be an account number, not a number."),
        ({"symbol": ""}, "“” is no symbol"),
        ({"symbol": None}, "symbol must be text, not nothing."),
        ({"symbol": "E" * 33}, "is no symbol"),
        ({"lots": "0.5"}, "lots must be a number, not text."),
        ({"lots": float("nan")}, "lots must be a number, not nan, which is no number."),
        ({"lots": float("inf")}, "lots must be a number, not inf, which is no number."),
        ({"lots": 0}, "lots must be more than 0"),
        ({"lots": -1}, "lots must be more than 0"),
        (
            {"lots": 0.123456789},
            "lots 0.123456789: Ensure that there are no more than 8 decimal places.",
        ),
        ({"lots": 1e12}, "no more than 10 digits before the decimal point."),
        ({"side": "LONG"}, "its side “LONG” is neither BUY nor SELL"),
        ({"side": None}, "side must be text, not nothing."),
        ({"status": "armed"}, "its status “armed” is none of the original's"),
        ({"status": 1}, "status must be text, not a number."),
        ({"id": "other"}, "calls itself “other” inside"),
        ({"sl_usd_a": -5}, "sl_usd_a is -5.00, which is no amount of a stop"),
        ({"sl_usd_a": "5"}, "sl_usd_a must be a number, not text."),
        ({"sl_usd_a": 0.001}, "sl_usd_a is less than a cent"),
        ({"sl_usd_a": 1e30}, "which is no amount of a stop"),
        ({"tickets_a": [7]}, "it has tickets although it waits"),
    ],
)
def test_one_that_cannot_be_is_skipped_with_the_reason(
    desk: Desk, changes: dict[str, Any], sentence: str
) -> None:
    said = desk.run(waiting(**changes))
    assert "ab12cd34 skipped" in said
    assert sentence in said
    assert said.endswith("6 taken, 0 changed, 0 kept, 1 skipped.")
    assert not Versus.objects.exists()


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"a": []}, "a skipped must be an object that says something, not a list"),
        ({"a": None}, "a skipped must be an object that says something, not nothing"),
        ({"": waiting()["ab12cd34"]}, "its id cannot be used"),
        ({"\u202e<b>": {"id": 1}}, "<b> skipped its id cannot be used"),
        ({"x" * 500: {"id": 1}}, "skipped its id cannot be used"),
    ],
)
def test_an_entry_that_is_no_versus_is_skipped(desk: Desk, told: Any, sentence: str) -> None:
    assert sentence in desk.run(told)
    assert not Versus.objects.exists()


@pytest.mark.both_databases
def test_an_account_takes_part_in_one_at_a_time(desk: Desk) -> None:
    other = make_versus(desk.user, account_a=make_account(number=5003))
    told = waiting("one") | waiting("two", account_a=5002, account_b=5003)
    said = desk.run(told | waiting("three", account_a=5004, account_b=5002))
    assert "two skipped account 5002 is part of versus one of the same file" in said
    said = desk.run(waiting("four", account_a=5003, account_b=5002))
    assert f"four skipped account 5003 is part of versus {other.code} here" in said
    assert Versus.objects.count() == 2


def test_live_legs_are_never_taken_over_and_are_told_of_last(desk: Desk) -> None:
    live = waiting("live", status="congelado", tickets_a=[11, 12], scheduled_transferir="soon")
    moved = waiting("moved", status="Transferido", account_b=5007, tickets_a=[1], tickets_b=[2, 3])
    said = desk.run(live | moved | waiting("next"))
    alarms = said.partition("BEFORE YOU SWITCH THE ORIGINAL OFF")[2]
    assert "live legs on account 5001 (tickets 11, 12) and account 5002 (no tickets" in alarms
    assert "account 5007 (tickets 2, 3): close them or finish them in the original" in alarms
    assert "next skipped account 5001 has live legs of versus" in said
    assert not Versus.objects.exists()


@pytest.mark.parametrize("status", ["pending", "congelando", None])
def test_legs_of_one_that_cannot_be_understood_are_told_of_too(desk: Desk, status: Any) -> None:
    said = desk.run(waiting(status=status, tickets_a=[41], tickets_b="<b>"))
    alarms = said.partition("BEFORE YOU SWITCH THE ORIGINAL OFF")[2]
    assert "account 5001 (tickets 41) and account 5002 (tickets <b>). Settle it" in alarms


def test_an_imported_versus_that_then_runs_in_the_original_must_be_cancelled(
    desk: Desk,
) -> None:
    desk.run(waiting())
    code = Versus.objects.get().code
    said = desk.run(waiting(status="congelado", tickets_a=[11, 12]))
    assert f"runs in the original now: cancel {code} here" in said


def test_ended_ones_are_counted_and_a_failed_one_with_legs_is_told_of(desk: Desk) -> None:
    done = waiting("a", status="completed", tickets_a=[1]) | waiting("b", status="error")
    said = desk.run(done | waiting("c", status="error", tickets_a=[9]))
    assert "completed or failed 3 skipped history of the original" in said
    assert "Versus c failed in the original, with account 5001 (tickets 9)" in said


def test_one_that_waits_needs_somebody_who_may_run_it(desk: Desk) -> None:
    desk.folder.write(versus_data=waiting())
    with pytest.raises(CommandError, match="name the user with --user NAME"):
        desk.folder.run()
    stranger = make_user()
    with pytest.raises(CommandError, match="has no permission trading.run_versus"):
        desk.folder.run("--user", stranger.username)
    desk.user.is_active = False
    desk.user.save()
    with pytest.raises(CommandError, match="has no permission trading.run_versus"):
        desk.run(waiting())
    assert not Versus.objects.exists()
    desk.folder.write(versus_data=waiting(account_b=5009))
    assert "1 skipped" in desk.folder.run(), "nobody is needed where nothing is taken"


def test_stops_in_pips_of_accounts_that_nobody_reports_are_not_guessed(desk: Desk) -> None:
    pips = dict.fromkeys(("sl_usd_a", "tp_usd_a", "sl_usd_b", "tp_usd_b"))
    said = desk.run(waiting(**pips, sl_pips=20, tp_pips=40))
    assert "ab12cd34 skipped its stops are in pips, and account 5001 cannot say" in said
    assert "No agent reports this account" in said
    said = desk.run(waiting(**pips))
    assert "no stops" in said
    assert Versus.objects.get().sl_a is None
