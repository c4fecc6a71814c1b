"""A value that is shown rounded is never sent back; what cannot be read is never taken for gone."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from accounts.agents import AccountReading, NotSent, SymbolSpec, TradeAnswer
from accounts.agents.listed import Unreadable
from accounts.models import Account, Position
from tests.factories import make_account, make_order, make_position
from tests.trading.desk import Desk
from tests.trading.test_evidence import account as reading
from tests.trading.test_evidence import held, order
from trading import closing, quotes, sizing, wire
from trading.evidence import UNREADABLE, proposal, weigh
from trading.order_form import CloseTicket, ModifyTicket, OpenTicket

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
FINE = Decimal("0.000000012345")
SPEC = SymbolSpec(
    symbol="PEPEUSD",
    digits=10,
    point=Decimal("0.0000000001"),
    tick_size=Decimal("0.0000000001"),
    tick_value=Decimal("0.0001"),
    volume_min=Decimal("0.00001"),
    volume_step=Decimal("0.00001"),
    bid=Decimal("0.0000000220"),
    ask=Decimal("0.0000000221"),
)


@pytest.fixture
def position(monkeypatch: pytest.MonkeyPatch) -> Position:
    """Its stop lies between two ticks, and finer than eight decimals."""
    monkeypatch.setattr(quotes, "fresh", lambda account, symbol: SPEC)
    made = make_position(
        make_account(open_positions=1),
        symbol="PEPEUSD",
        volume=Decimal("0.00004"),
        open_price=Decimal("0.0000000219"),
        sl=FINE,
        tp=None,
    )
    made.refresh_from_db()
    return made


def test_a_stop_that_nobody_changed_is_sent_back_as_it_is(position: Position) -> None:
    shown = ModifyTicket(position, {}).shown
    assert Decimal(shown["sl"]) == FINE
    ticket = ModifyTicket(position, {**shown, "tp": "0.0000000300"})
    instruction = ticket.check()
    assert ticket.errors == {}
    assert instruction is not None
    assert (instruction.sl, instruction.tp) == (FINE, Decimal("0.00000003"))


def test_the_same_stop_in_other_decimals_is_no_change(position: Position) -> None:
    ticket = ModifyTicket(position, {"sl": f"{FINE:f}00", "tp": ""})
    assert ticket.check() is None
    assert ticket.errors["sl"] == "These are the levels that the position has."


def test_lots_of_bitcoin_are_opened_and_closed_in_part(position: Position) -> None:
    data = {"symbol": "PEPEUSD", "side": "BUY", "volume": "0,00004"}
    opened = OpenTicket(position.account, data).check()
    assert opened is not None
    assert opened.volume == Decimal("0.00004")
    closed = CloseTicket(position, {"volume": "0.00003"}).check()
    assert closed is not None
    assert closed.volume == Decimal("0.00003")
    half = CloseTicket(position, {})
    half.look()
    assert half.half == Decimal("0.00002")


@pytest.mark.parametrize("volume", ["0.000000001", "123456789.12345678"])
def test_lots_that_no_row_holds_are_refused(volume: str) -> None:
    with pytest.raises(sizing.Refused):
        sizing.check_volume(Decimal(volume), SPEC)


# --- unreadable rows ----------------------------------------------------------------------------
def unreadable(ticket: int | None = 77) -> tuple[Unreadable, ...]:
    return (Unreadable(ticket, "EURUSD", "volume: missing"),)


def odd(*positions: Any, ticket: int | None = 77) -> AccountReading:
    return msgspec.structs.replace(reading(*positions), unreadable=unreadable(ticket))


@pytest.mark.parametrize("kind", ["open", "close", "modify"])
def test_among_unreadable_rows_nothing_is_absent_and_nothing_is_closed(kind: str) -> None:
    one = order(kind)
    found = weigh(one, odd(ticket=None), [])
    assert (found.state, found.absent) == (None, False)
    assert UNREADABLE in proposal(one, odd(ticket=None)).text


@pytest.mark.parametrize(("ticket", "kind"), [(None, "open"), (None, "close"), (9, "open")])
def test_an_order_over_contract_1_is_sent_only_if_a_new_ticket_will_be_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ticket: int | None, kind: str
) -> None:
    more = {} if kind == "open" else {"position": 77}
    placed = desk.place("1", kind=kind, **more)
    monkeypatch.setattr(wire, "read_account", lambda order: odd(held(), ticket=ticket))
    if ticket is None and kind == "open":
        with pytest.raises(NotSent, match="not even its ticket"):
            wire.look_before(placed)
        return
    wire.look_before(placed)
    assert placed.tickets_before == [77] if ticket is None else [77, 9]


@pytest.mark.parametrize("ticket", [None, 77, 9])
def test_a_position_that_an_agent_does_not_find_can_be_an_unreadable_row(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, ticket: int | None
) -> None:
    """Taken for closed, its versus would stand on one leg."""
    asked = make_order(desk.accounts["2"], kind="close", volume=None, position=77)
    monkeypatch.setattr(wire, "read_account", lambda _: odd(ticket=ticket))
    answered = TradeAnswer(outcome="rejected", external=True, message="Not found")
    monkeypatch.setattr(wire.loop, "run", lambda call, _: (call.close(), answered)[1])
    answer = wire.trade(asked)
    assert (answer.outcome, answer.external) == ("rejected", False)
    assert "positions could not all be read. Nothing was sent." in answer.message


def test_close_all_names_each_row_that_it_cannot_close(desk: Desk) -> None:
    account = Account.objects.select_related("agent").get(pk=desk.accounts["2"].pk)
    account.unreadable_positions = [
        {"ticket": 12, "symbol": "EURUSD", "problem": "volume: missing"},
        {"ticket": None, "symbol": "", "problem": "ticket: missing"},
    ]
    closed = closing.close_account(account, desk.trader, [12, 13], "a-key")
    told = [(one.words, one.tone) for one in closed.closings]
    assert told == [
        ("#13", "bad"),  # the one of unknown ticket may be it
        ("#12 EURUSD", "bad"),
        ("a position of unknown ticket", "bad"),
    ]
    assert "may be one of those" in closed.closings[0].sentence
    del account.unreadable_positions[1]
    closed = closing.close_account(account, desk.trader, [12, 13], "a-key")
    assert [(one.words, one.tone) for one in closed.closings] == [
        ("#13", ""),
        ("#12 EURUSD", "bad"),
    ]
    assert closed.summary == "1 not closed, 1 not open any more"


def test_close_all_counts_the_rows_that_an_account_does_not_name(desk: Desk) -> None:
    account = Account.objects.select_related("agent").get(pk=desk.accounts["2"].pk)
    account.open_positions = account.positions.count() + 150
    rows = range(1001, 1101)  # an account names a hundred
    account.unreadable_positions = [
        {"ticket": ticket, "symbol": "EURUSD", "problem": "x"} for ticket in rows
    ]
    closed = closing.close_account(account, desk.trader, [1120], "a-key")
    told = [(one.words, one.tone) for one in closed.closings]
    assert told[0] == ("#1120", "bad")
    assert told[-1] == ("50 more that could not be read", "bad")
    assert account.may_hold(1120)
    account.open_positions = account.positions.count() + 100
    assert (account.may_hold(1120), account.may_hold(1001)) == (False, True)


def test_a_netting_account_opens_nothing_beside_a_row_of_that_symbol(
    position: Position,
) -> None:
    account = position.account
    account.margin_mode = Account.MarginMode.NETTING
    data = {"symbol": "PEPEUSD", "side": "BUY", "volume": "0.00004"}
    for symbol, refused in (("PEPEUSD", True), ("", True), ("EURUSD", False)):
        account.unreadable_positions = [{"ticket": 5, "symbol": symbol, "problem": "x"}]
        ticket = OpenTicket(account, data)
        assert (ticket.check() is None) == refused
        assert ("side" in ticket.errors) == refused


def test_a_netting_account_compares_symbols_as_their_broker_spells_them(
    position: Position, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A space at its end is a part of its name."""
    account, symbol = position.account, "PEPEUSD "
    spaced = msgspec.structs.replace(SPEC, symbol=symbol)
    monkeypatch.setattr(quotes, "fresh", lambda account, symbol: spaced)
    account.margin_mode = Account.MarginMode.NETTING
    account.unreadable_positions = [{"ticket": 5, "symbol": symbol, "problem": "x"}]
    ticket = OpenTicket(account, {"symbol": symbol, "side": "BUY", "volume": "0.00004"})
    assert ticket.check() is None
    assert "could not be read" in ticket.errors["side"]
