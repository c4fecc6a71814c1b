"""Whether a versus may be made, or its next step run. Nothing is sent to find out but questions.

Each failing check is a sentence. What an agent cannot tell is a warning, and so is what the rules
of a firm say; warnings take an acknowledgement, which is kept as it was given.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q

from accounts.agents import SymbolSpec
from accounts.models import Account, Firm
from trading import margin, quotes, sizing, ticks
from trading.margin import Hedge
from trading.models import Order, Versus
from trading.permits import refusal_of_size, refusal_of_the_switch
from trading.sizing import Refused
from trading.versus import matching
from trading.versus.check import Check
from trading.versus.driver import first_half, opening
from trading.versus.matching import Leg
from trading.versus.states import State


def failures(versus: Versus, user: User, now: datetime) -> list[Check]:
    """Of a versus that is stored, or about to be, when `user` runs it. Asks both agents for their
    symbols."""
    if versus.account_a_id == versus.account_b_id:
        return [Check("A and B must be two accounts.")]
    return list(_failures(versus, user, now))


def _failures(versus: Versus, user: User, now: datetime) -> Iterator[Check]:
    if not settings.VERSUS_ENABLED:
        yield Check("Versus are off on this server. Set VERSUS_ENABLED=1 to allow them.")
    if why := refusal_of_the_switch():
        yield Check(why)
    accounts = ((versus.account_a, versus.symbol_a), (versus.account_b, versus.symbol_b))
    legs: list[Leg] = []
    for account, symbol in accounts:
        blocked = [*_of_account(account, now), *_of_others(versus, account)]
        yield from blocked
        yield from _unknown(account)
        yield from _of_firm(account)
        yield from _of_limits(versus, user, account, symbol)
        if not any(check.blocks for check in blocked):
            yield from _of_symbol(versus, account, symbol, legs)
    if len(legs) == len(accounts):
        yield from matching.compare(*legs)


# --- the account --------------------------------------------------------------------------------
def _of_account(account: Account, now: datetime) -> Iterator[Check]:
    who, agent = f"Account {account.title}", account.agent
    if agent is None:
        yield Check(f"{who}: no agent reports it, so nothing can be sent to it.")
        return
    if why := agent.refusal_to_trade():
        yield Check(f"{who}: {why[0].lower()}{why[1:]}")
    if account.is_stale(now):
        yield Check(f"{who}: its figures are old. Refresh it, and look at its agent.")
    if account.connected is False:
        yield Check(f"{who}: its terminal has lost the broker.")
    if account.trade_allowed is False:
        yield Check(f"{who}: its terminal may not trade: read-only password, or trading is off.")
    if account.margin_mode == Account.MarginMode.NETTING:
        yield Check(f"{who} is a netting account: a buy and a sell would close one another.")
    if account.open_positions is None:
        yield Check(f"{who}: its positions could not be read.")
    for one in account.unreadable[:1]:
        yield Check(f"{who}: {one} is open and could not be read. Look at its terminal.")


def _of_others(versus: Versus, account: Account) -> Iterator[Check]:
    who = f"Account {account.title}"
    lock = Order.objects.locking().filter(account=account).exclude(versus=versus.pk or 0).first()
    if lock is not None:
        yield Check(f"{who}: the outcome of another order is awaited: {lock.words}.")
    yield from in_another(versus, account)


def in_another(versus: Versus, account: Account) -> Iterator[Check]:
    """In either role. The constraints of the table see A against A and B against B alone."""
    here = Q(account_a=account) | Q(account_b=account)
    other = Versus.objects.open().filter(here).exclude(pk=versus.pk).first()
    if other is not None:
        yield Check(f"Account {account.title} is part of versus {other.code} already.")


def _unknown(account: Account) -> Iterator[Check]:
    """What agents of contract 1 do not tell."""
    who = f"Account {account.title}"
    if not account.margin_mode:
        yield Check(f"{who}: whether it is a hedging account is not known.", blocks=False)
    if account.trade_allowed is None:
        yield Check(f"{who}: whether its terminal may trade is not known.", blocks=False)


def _of_firm(account: Account) -> Iterator[Check]:
    firm, number = account.firm, account.title
    blocks = settings.VERSUS_FIRM_RULES == "refuse"
    if firm is None:
        yield Check(f"The firm of account {number} is not known, nor are its rules.", blocks)
    elif firm.opposite_positions == Firm.OppositePositions.FORBIDDEN:
        source = f" ({firm.rule_source})" if firm.rule_source else ""
        text = f"{firm} forbids opposite positions across accounts{source}: account {number}."
        yield Check(text, blocks)
    elif firm.opposite_positions == Firm.OppositePositions.UNKNOWN:
        text = f"Whether {firm} allows opposite positions across accounts is not known"
        yield Check(f"{text}: account {number}.", blocks)


def _of_limits(versus: Versus, user: User, account: Account, symbol: str) -> Iterator[Check]:
    """Of the largest leg there; how many orders a minute are allowed counts when they are sent."""
    lots = versus.lots if account.pk == versus.account_a_id else versus.lots / 2
    if why := refusal_of_size(user.pk, account.pk, symbol, lots):
        yield Check(f"Account {account.title}: {why}")


# --- symbol, volume, margin ---------------------------------------------------------------------
def _of_symbol(versus: Versus, account: Account, symbol: str, legs: list[Leg]) -> Iterator[Check]:
    """Adds its leg to `legs` when the agent reports the symbol."""
    try:
        spec = quotes.fresh(account, symbol)
        legs.append(Leg(account, spec))
        if not _opens(versus, account):
            return
        for side in _sides(versus, account):
            sizing.check_side(side, spec)
        volumes = _volumes(versus, account, spec)
        _check_stops(versus, account, spec, volumes)
        needed = _margin(versus, account, spec)
    except Refused as refused:
        yield Check(f"Account {account.title}: {refused}")
        return
    who = f"Account {account.title}"
    if (warning := ticks.warning_of(spec)) and _has_stops(versus, account):
        yield Check(f"{who}: {warning}", blocks=False)
    if not spec.volume_step:
        text = f"{who}: the limits of {symbol} are not known; steps of 0.01 lots are assumed."
        yield Check(text, blocks=False)
    yield from _of_margin(account, needed)


def _opens(versus: Versus, account: Account) -> bool:
    """A holds its legs once it was frozen: they take neither margin nor a side again."""
    return account.pk == versus.account_b_id or versus.state == State.PENDING


def _sides(versus: Versus, account: Account) -> tuple[str, ...]:
    """That will be opened there."""
    return ("BUY", "SELL") if account.pk == versus.account_a_id else (versus.side_b,)


def _volumes(versus: Versus, account: Account, spec: SymbolSpec) -> list[Decimal]:
    """What will be opened there. Raises Refused."""
    if account.pk == versus.account_a_id:
        return [sizing.check_volume(versus.lots, spec)] * 2
    first = first_half(versus.lots, spec)
    return [sizing.check_volume(volume, spec) for volume in (first, versus.lots - first)]


def _check_stops(
    versus: Versus, account: Account, spec: SymbolSpec, volumes: list[Decimal]
) -> None:
    """Raises Refused for stops that no leg could be opened with at this quote."""
    if not _has_stops(versus, account):
        return
    if refusal := ticks.refusal_of(spec):
        raise Refused(f"{refusal} Leave its stop-loss and take-profit empty.")
    on_b = account.pk == versus.account_b_id
    for side in _sides(versus, account):
        for volume in volumes:
            opening(versus, on_b, side, volume, spec)


def _has_stops(versus: Versus, account: Account) -> bool:
    """In money, of the legs that are opened there."""
    on_b = account.pk == versus.account_b_id
    money = (versus.sl_b, versus.tp_b) if on_b else (versus.sl_a, versus.tp_a)
    return money != (None, None)


def _of_margin(account: Account, needed: Hedge | None) -> Iterator[Check]:
    """A warning has no figure that moves with the market: it is acknowledged word by word."""
    who, free, currency = f"Account {account.title}", account.margin_free, account.currency
    if needed is None or free is None:
        yield Check(f"{who}: whether its margin is enough is not known.", blocks=False)
    elif needed.least > free:
        yield Check(
            f"{who}: about {needed.least} {currency} of margin are needed, {free} are free."
        )
    elif needed.most > free:
        text = "its free margin is enough for one leg, perhaps not for both: what the broker asks"
        yield Check(f"{who}: {text} for a hedge is not known.", blocks=False)


def _margin(versus: Versus, account: Account, spec: SymbolSpec) -> Hedge | None:
    """Of what will be opened there: a hedge on A, both halves of one side on B. Raises Unknown."""
    price = sizing.entry(sizing.BUY, spec)
    if account.pk == versus.account_a_id:
        return margin.of_hedge(account, spec, versus.lots, price)
    needed = margin.estimate(account, spec, versus.side_b, versus.lots, price)
    return None if needed is None else Hedge(needed, needed)
