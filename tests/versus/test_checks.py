"""What is looked at before a versus is made, and again before it runs; nothing is sent."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from pytest_django import Settings

from accounts.models import Account, Agent, Firm
from tests.factories import make_order, make_trade, make_user
from tests.valkey import PrivateValkey
from tests.venue import SYMBOL, Venue
from tests.versus.pair import Pair
from trading.models import TradeLimit, Versus
from trading.versus import desk
from trading.versus.desk import NotNow
from trading.versus.states import State

pytestmark = pytest.mark.django_db
D = Decimal


def account_a(pair: Pair, **columns: Any) -> None:
    Account.objects.filter(pk=pair.accounts["a"].pk).update(**columns)


def agent_b(pair: Pair, **columns: Any) -> None:
    Agent.objects.filter(accounts=pair.accounts["b"]).update(**columns)


WRONG: dict[str, tuple[Callable[[Pair], Any], str]] = {
    "no agent": (lambda pair: account_a(pair, agent=None), "no agent reports it"),
    "old figures": (lambda pair: agent_b(pair, last_seen_at=None), "its figures are old"),
    "lost broker": (lambda pair: account_a(pair, connected=False), "has lost the broker"),
    "read-only": (lambda pair: account_a(pair, trade_allowed=False), "read-only password"),
    "netting": (lambda pair: account_a(pair, margin_mode="netting"), "a netting account"),
    "unread": (lambda pair: account_a(pair, open_positions=None), "positions could not be read"),
    "agent off": (lambda pair: agent_b(pair, trading_enabled=False), "is switched off"),
    "no margin": (lambda pair: account_a(pair, margin_free=Decimal(1)), "of margin are needed"),
    "locked": (
        lambda pair: make_order(pair.accounts["a"], state="unknown", deadline=None),
        "the outcome of another order is awaited",
    ),
}
ASKED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown symbol": ({"symbol_a": "NOSUCH"}, "NOSUCH"),
    "unknown symbol on B": ({"symbol_b": "eurusd"}, "eurusd"),
    "off the step": ({"lots": Decimal("0.105")}, "in steps of 0.01 lots"),
    "not to be halved": ({"lots": Decimal("0.01")}, "cannot be halved"),
    "too much": ({"lots": Decimal(5000)}, "up to"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_an_account_is_said_and_nothing_is_made(pair: Pair, wrong: str) -> None:
    spoil, sentence = WRONG[wrong]
    spoil(pair)
    with pytest.raises(NotNow, match=sentence) as refused:
        pair.created()
    assert not refused.value.may_acknowledge
    assert not Versus.objects.exists()


@pytest.mark.parametrize(
    ("role", "mode", "why"),
    [
        ("a", 0, "EURUSD is not traded"),
        ("a", 1, "EURUSD may only be bought"),
        ("a", 3, "EURUSD may only be closed"),
        ("b", 1, "EURUSD may only be bought"),
        ("b", 2, ""),
    ],
)
def test_a_symbol_that_does_not_take_the_side_that_is_needed(
    pair: Pair, role: str, mode: int, why: str
) -> None:
    pair.venue.member(pair.names[role]).terminal.trade_mode = mode
    if not why:
        assert pair.created(side_a="BUY").side_b == "SELL"
        return
    with pytest.raises(NotNow, match=why):
        pair.created(side_a="BUY")


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_wrong_with_what_is_asked_is_said(pair: Pair, asked: str) -> None:
    columns, sentence = ASKED[asked]
    with pytest.raises(NotNow, match=sentence):
        pair.created(**columns)


@pytest.mark.parametrize("wrong", WRONG)
def test_it_is_looked_at_again_before_it_runs(pair: Pair, wrong: str) -> None:
    versus = pair.created()
    spoil, sentence = WRONG[wrong]
    spoil(pair)
    fresh = Versus.objects.get(pk=versus.pk)
    with pytest.raises(NotNow, match=sentence):
        desk.freeze(fresh, pair.user)
    fresh.refresh_from_db()
    assert fresh.state == State.PENDING
    assert pair.venue.entries("2", "send") == []


def test_a_and_b_are_two(pair: Pair) -> None:
    with pytest.raises(NotNow, match="two accounts"):
        pair.created(account_b=pair.accounts["a"])


@pytest.mark.both_databases
def test_an_account_takes_part_in_one_versus_at_a_time_in_either_role(pair: Pair) -> None:
    versus = pair.created()
    with pytest.raises(NotNow, match=f"part of versus {versus.code}"):
        pair.created(account_a=pair.accounts["b"], account_b=pair.accounts["a"])
    desk.cancel(versus, pair.user)
    assert pair.created().state == State.PENDING


def test_versus_are_off_unless_the_server_allows_them(pair: Pair, settings: Settings) -> None:
    settings.VERSUS_ENABLED = False
    with pytest.raises(NotNow, match="VERSUS_ENABLED=1"):
        pair.created()


# --- firms --------------------------------------------------------------------------------------
RULES = {
    "forbidden": "Liberal forbids opposite positions",
    "unknown": "Whether Liberal allows opposite positions across accounts is not known",
}


@pytest.mark.parametrize("rule", RULES)
def test_what_a_firm_says_against_it_is_acknowledged_and_kept(pair: Pair, rule: str) -> None:
    Firm.objects.update(opposite_positions=rule, rule_source="terms, 4.2")
    with pytest.raises(NotNow, match=RULES[rule]) as refused:
        desk.create(pair.new(), pair.user)
    assert refused.value.may_acknowledge
    shown = [check.sentence for check in refused.value.checks]
    with pytest.raises(NotNow):
        desk.create(pair.new(), pair.user, shown[:1])
    versus = desk.create(pair.new(), pair.user, shown)
    assert versus.acknowledger == pair.user.username
    assert any(RULES[rule] in sentence for sentence in versus.acknowledged)
    assert versus.events.get().data == versus.acknowledged


def test_an_acknowledgement_takes_a_permission_of_its_own(pair: Pair) -> None:
    Firm.objects.update(opposite_positions="forbidden")
    with pytest.raises(NotNow) as refused:
        desk.create(pair.new(), pair.user)
    shown = [check.sentence for check in refused.value.checks]
    with pytest.raises(PermissionDenied):
        desk.create(pair.new(), make_user("trading.run_versus"), shown)
    assert not Versus.objects.exists()


def test_a_desk_may_refuse_altogether_what_a_firm_forbids(pair: Pair, settings: Settings) -> None:
    settings.VERSUS_FIRM_RULES = "refuse"
    Firm.objects.update(opposite_positions="forbidden")
    with pytest.raises(NotNow) as refused:
        pair.created()
    assert not refused.value.may_acknowledge


def test_a_warning_that_is_new_when_it_begins_is_acknowledged_then(pair: Pair) -> None:
    pair.created()
    Firm.objects.update(opposite_positions="forbidden")
    versus = Versus.objects.get()
    with pytest.raises(NotNow) as refused:
        desk.freeze(versus, pair.user)
    assert refused.value.may_acknowledge
    shown = [check.sentence for check in refused.value.checks]
    with pytest.raises(PermissionDenied):
        desk.freeze(versus, make_user("trading.run_versus"), shown)
    assert versus.orders.count() == 0
    assert desk.freeze(versus, pair.user, shown).state == State.FROZEN
    assert versus.acknowledged == shown
    assert versus.events.get(state=State.FREEZING).data == shown
    assert desk.transfer(versus, pair.user).state == State.TRANSFERRED


def test_a_rule_that_changed_after_it_was_made_stops_it(pair: Pair) -> None:
    versus = pair.created()
    Firm.objects.update(opposite_positions="forbidden")
    with pytest.raises(NotNow, match="forbids"):
        desk.freeze(Versus.objects.get(pk=versus.pk), pair.user)


def test_what_an_agent_of_contract_1_cannot_tell_is_a_warning(pair: Pair, versus_on: None) -> None:
    other = Pair(pair.venue, pair.user, a="1", b="3")
    no_stops = dict.fromkeys(("sl_a", "tp_a", "sl_b", "tp_b"))
    with pytest.raises(NotNow) as refused:
        desk.create(other.new(**no_stops), pair.user)
    assert refused.value.may_acknowledge
    assert "whether it is a hedging account is not known" in str(refused.value)
    assert "steps of 0.01 lots are assumed" in str(refused.value)


@pytest.mark.parametrize("spoil", ["margin", "side"])
def test_a_transfer_asks_of_a_nothing_that_only_opening_takes(pair: Pair, spoil: str) -> None:
    pair.frozen()
    if spoil == "margin":  # its two legs have taken it
        account_a(pair, margin_free=Decimal(1))
    else:
        pair.venue.member(pair.names["a"]).terminal.trade_mode = 3  # may only be closed
    assert desk.transfer(Versus.objects.get(), pair.user).state == State.TRANSFERRED


@pytest.mark.parametrize("stop", ["sl_a", "sl_b"])
def test_a_stop_that_no_leg_could_be_opened_with_is_said_beforehand(pair: Pair, stop: str) -> None:
    with pytest.raises(NotNow, match="must be (above|below)|away from") as refused:
        pair.created(**{stop: Decimal("0.01")})
    assert not refused.value.may_acknowledge


@pytest.fixture
def old(venue: Venue, valkey: PrivateValkey, versus_on: None, runner: User) -> Pair:
    """A is behind an agent of contract 1."""
    return Pair(venue, runner, a="1", b="2")


def test_money_that_cannot_be_turned_into_prices_is_said_beforehand(old: Pair) -> None:
    old.venue.member("1").terminal.overrides[SYMBOL] = {"point": 0.0}
    with pytest.raises(NotNow, match="what a tick of EURUSD is worth. Leave its stop") as refused:
        old.created()
    assert not refused.value.may_acknowledge
    assert old.created(sl_a=None, tp_a=None).state == State.PENDING


def test_what_is_assumed_of_a_tick_is_part_of_what_is_acknowledged(old: Pair) -> None:
    with pytest.raises(NotNow, match="reports a tick value of exactly 1") as refused:
        desk.create(old.new(), old.user)
    assert refused.value.may_acknowledge
    versus = old.created()
    (warning,) = [text for text in versus.acknowledged if "tick value" in text]
    assert warning.startswith(f"Account {versus.login_a}: EURUSD: the agent reports a tick value")
    assert desk.freeze(versus, old.user).state == State.FROZEN, "as it was acknowledged"


def test_without_stops_in_money_nothing_is_assumed_of_a_tick(old: Pair) -> None:
    versus = old.created(sl_a=None, tp_a=None)
    assert not [text for text in versus.acknowledged if "tick" in text]


def test_trades_that_were_closed_prove_a_tick_and_nothing_is_assumed(old: Pair) -> None:
    for entry, out, profit in (("1.08500", "1.08712", "21.20"), ("1.08433", "1.08309", "-12.40")):
        make_trade(
            old.accounts["a"], contract="1", symbol=SYMBOL, side="BUY", volume_closed=D("0.1"),
            entry_price=D(entry), exit_price=D(out), profit=D(profit),
        )  # fmt: skip
    versus = old.created()
    assert not [text for text in versus.acknowledged if "tick" in text]


def test_a_tick_value_that_closed_trades_contradict_stops_it(old: Pair) -> None:
    old.venue.member("1").terminal.overrides[SYMBOL] = {"trade_tick_value": 10.0}
    for entry, out, profit in (("1.08500", "1.08712", "21.20"), ("1.08433", "1.08309", "-12.40")):
        make_trade(
            old.accounts["a"], contract="1", symbol=SYMBOL, side="BUY", volume_closed=D("0.1"),
            entry_price=D(entry), exit_price=D(out), profit=D(profit),
        )  # fmt: skip
    with pytest.raises(NotNow, match="reports 10 for a tick of EURUSD, but by 2 closed") as refused:
        old.created()
    assert not refused.value.may_acknowledge


@pytest.mark.both_databases
@pytest.mark.parametrize("limit", [{"max_lots": "0.09"}, {"symbols": "GBPUSD"}])
def test_what_a_limit_would_refuse_is_said_before_anything_is_opened(
    pair: Pair, limit: dict[str, str]
) -> None:
    bound = TradeLimit.objects.create(user=pair.user, **limit)
    with pytest.raises(NotNow, match="allowed|may not be traded"):
        pair.created()
    TradeLimit.objects.filter(pk=bound.pk).update(user=make_user())
    assert pair.frozen().state == State.FROZEN


# --- margin -------------------------------------------------------------------------------------
def says_of_a(pair: Pair, **specification: Any) -> None:
    """What its terminal reports otherwise of the symbol."""
    pair.venue.member(pair.names["a"]).terminal.overrides[SYMBOL] = specification


def warnings_of(pair: Pair, **columns: Any) -> list[tuple[bool, str]]:
    try:
        desk.create(pair.new(**columns), pair.user)
    except NotNow as refused:
        return [(check.blocks, check.sentence) for check in refused.checks]
    return []


def free(pair: Pair, legs: str) -> Decimal:
    """So many times the margin of 0.10 lots bought, at the agent's own figure."""
    account = pair.venue.member(pair.names["a"]).terminal.account
    return Decimal(str(round(account.market.margin(_of(account), 0.10, account.leverage), 2))) * (
        Decimal(legs)
    )


def _of(account: Any) -> Any:
    return account.market.quotes[SYMBOL].symbol


def test_a_freeze_is_not_refused_where_the_broker_charges_a_hedge_as_one_leg(pair: Pair) -> None:
    account_a(pair, margin_free=free(pair, "1.5"))
    assert [blocks for blocks, _ in warnings_of(pair)] == [True]  # it charges both legs
    says_of_a(pair, margin_hedged=100_000.0)
    assert warnings_of(pair) == []


def test_where_the_rule_of_a_hedge_is_unknown_a_person_decides(pair: Pair) -> None:
    says_of_a(pair, margin_hedged=50.0, margin_initial=100.0)
    account_a(pair, margin_free=free(pair, "1.5"))
    ((blocks, sentence),) = warnings_of(pair)
    assert not blocks
    assert "what the broker asks for a hedge is not known" in sentence
    account_a(pair, margin_free=free(pair, "0.5"))
    assert [blocks for blocks, _ in warnings_of(pair)] == [True]


# --- the two legs -------------------------------------------------------------------------------
def test_legs_of_other_sizes_are_refused_before_anything_is_opened(pair: Pair) -> None:
    """The same lots of 100 ounces and of 10 are a hedge of a tenth."""
    says_of_a(pair, trade_contract_size=1_000_000.0, trade_tick_value=10.0)
    found = warnings_of(pair, sl_a=None, tp_a=None)
    assert [blocks for blocks, _ in found] == [True]
    assert "equal lots do not hedge each other" in found[0][1]
    assert "1 lot on A is 10 lots on B" in found[0][1]
    assert not Versus.objects.exists()
