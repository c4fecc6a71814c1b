"""Rows for tests: each function makes one, with whatever the test does not care about filled in."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.utils import timezone

from accounts import approvals
from accounts.models import Account, Agent, Firm, Phase, Position
from trading.models import ClosedTrade, Deal, Order, StandingAcknowledgement, Versus

_numbers = itertools.count(1)
PASSWORD = "secret-words"  # of every user that `make_user` makes


def make_agent(**columns: Any) -> Agent:
    n = next(_numbers)
    columns.setdefault("name", f"agent-{n}")
    columns.setdefault("url", f"http://127.0.0.1:9/agents/{n}")
    return Agent.objects.create(**columns)


def make_trading_agent(**columns: Any) -> Agent:
    """An online agent through which somebody with the right to do so switched trading on."""
    agent = make_online_agent(trading_enabled=True, **columns)
    approvals.approve_as([agent], "a boss")
    return agent


def make_online_agent(**columns: Any) -> Agent:
    """An agent that has just been heard and is not due."""
    now = timezone.now()
    columns = {
        "status": "online",
        "last_seen_at": now,
        "polled_at": now,
        "next_poll_at": now + timedelta(minutes=1),
    } | columns
    return make_agent(**columns)


def make_phase(name: str) -> Phase:
    """One of the desk's phases; tests that empty the database take those of the migration along."""
    return Phase.objects.get_or_create(name=name)[0]


def make_account(**columns: Any) -> Account:
    n = next(_numbers)
    columns.setdefault("number", 500_000 + n)
    if "agent" not in columns:
        columns["agent"] = make_online_agent()
    columns.setdefault("phase", make_phase("F1"))
    columns.setdefault("balance", Decimal("100000.00"))
    columns.setdefault("equity", columns["balance"])
    columns.setdefault("floating", Decimal("0.00"))
    columns.setdefault("initial_balance", Decimal("100000.00"))
    columns.setdefault("connected", True)
    columns.setdefault("open_positions", 0)
    columns.setdefault("changed_at", timezone.now())
    account = Account.objects.create(**columns)
    Account.objects.mark_shared([account.number])
    account.refresh_from_db(fields=["shares_number"])
    return account


def make_position(account: Account, **columns: Any) -> Position:
    columns = {
        "ticket": next(_numbers),
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": Decimal("0.10"),
        "open_price": Decimal("1.10000"),
        "current_price": Decimal("1.10100"),
        "profit": Decimal("10.00"),
        "swap": Decimal("0.00"),
    } | columns
    return Position.objects.create(account=account, **columns)


def make_order(account: Account, **columns: Any) -> Order:
    """One that was placed and never sent; its journal is empty."""
    now, agent = timezone.now(), account.agent
    columns = {
        "client_key": f"key-{next(_numbers)}",
        "kind": "open",
        "login": account.number,
        "agent": agent,
        "agent_name": agent.name if agent else "",
        "agent_url": agent.url if agent else "",
        "contract": "2",
        "username": "somebody",
        "symbol": "EURUSD",
        "side": "BUY",
        "volume": Decimal("0.10"),
        "placed_at": now,
        "valid_until": now + timedelta(seconds=10),
    } | columns
    return Order.objects.create(account=account, **columns)


def make_trade(account: Account, **columns: Any) -> ClosedTrade:
    """A tenth of a lot that won 10 and ended an hour ago, as contract 2 tells it."""
    now, number = timezone.now(), next(_numbers)
    closed_at = columns.get("closed_at", now - timedelta(hours=1))
    profit = columns.get("profit", Decimal("10.00"))
    columns = {
        "position_id": number,
        "contract": "2",
        "symbol": "EURUSD",
        "side": "BUY",
        "volume_opened": Decimal("0.10"),
        "volume_closed": Decimal("0.10"),
        "entry_price": Decimal("1.10000"),
        "exit_price": Decimal("1.10100"),
        "opened_at": closed_at and closed_at - timedelta(hours=1),
        "closed_at": closed_at,
        "closed_at_or_guess": closed_at,
        "profit": profit,
        "swap": Decimal("0.00"),
        "commission": Decimal("0.00"),
        "fee": Decimal("0.00"),
        "net": profit,
        "reason": "TP",
        "changed_at": now,
    } | columns
    return ClosedTrade.objects.create(account=account, **columns)


def make_deal(account: Account, **columns: Any) -> Deal:
    """A deposit of 100,000, a day ago."""
    columns = {
        "ticket": next(_numbers),
        "entry": "IN",
        "type": "BALANCE",
        "volume": Decimal(0),
        "price": Decimal(0),
        "profit": Decimal("100000.00"),
        "at": timezone.now() - timedelta(days=1),
    } | columns
    return Deal.objects.create(account=account, **columns)


def make_versus(runner: User, **columns: Any) -> Versus:
    """One that waits for somebody to freeze it."""
    now = timezone.now()
    a, b = (columns.pop(f"account_{role}", None) or make_account() for role in "ab")
    columns = {
        "symbol_a": "EURUSD",
        "symbol_b": "EURUSD.x",
        "lots": Decimal("0.10"),
        "side_a": "BUY",
        "zone": "Europe/Madrid",
        "since": now,
        "created_at": now,
        "created_by": runner,
        "creator": runner.username,
        "runner": runner,
        "runner_name": runner.username,
    } | columns
    both = {"account_a": a, "account_b": b, "login_a": a.number, "login_b": b.number}
    return Versus.objects.create(**both, **columns)


def make_standing(user: User, **columns: Any) -> StandingAcknowledgement:
    """For the programs of `user`, valid for a day, from somebody who may acknowledge."""
    giver = columns.pop("given_by", None) or make_user("trading.acknowledge_firm_rules")
    columns = {
        "reason": "The firms agreed in writing.",
        "given_by": giver,
        "giver": giver.username,
        "expires_at": timezone.now() + timedelta(days=1),
    } | columns
    return StandingAcknowledgement.objects.create(user=user, **columns)


def make_firm(name: str = "", **columns: Any) -> Firm:
    return Firm.objects.create(name=name or f"Firm {next(_numbers)}", **columns)


def make_user(*permissions: str, **columns: Any) -> User:
    """A signed-up user with these permissions, such as "accounts.view_account"."""
    user = User.objects.create_user(f"user-{next(_numbers)}", password=PASSWORD, **columns)
    for permission in permissions:
        app, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app, codename=codename)
        )
    return user
