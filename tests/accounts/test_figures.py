"""The rules of money and freshness, in Python and in SQL: they must say the same."""

from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest.mock import ANY

import pytest
from django.conf import settings
from django.utils import timezone
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accounts.models import Account, Agent, Firm, Phase
from accounts.models.urgency import Urgency
from tests.factories import make_account, make_firm, make_online_agent

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

money = st.none() | st.decimals(0, 1_000_000, places=2)
percent = st.none() | st.decimals("0.01", 100, places=2)


def judged(account: Account) -> tuple[Any, ...]:
    share = account.drawdown_used_share
    return (
        account.pl_now,
        account.pl_pct_now,
        None if share is None else share * 100,
    )


def close(left: Any, right: Any) -> bool:
    if left is None or right is None:
        return left is right
    return bool(abs(float(left) - float(right)) <= 1e-6 * max(1.0, abs(float(left))))


@hypothesis_settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(balance=money, equity=money, credit=money, initial=money, own=percent, firms=percent)
@example(
    balance=Decimal("0.01"),
    equity=None,
    credit=None,
    initial=Decimal("0.00"),
    own=Decimal("5.00"),
    firms=None,
)
@example(
    balance=Decimal(500),
    equity=Decimal(1500),
    credit=Decimal(1000),
    initial=Decimal(1000),
    own=Decimal(10),
    firms=None,
)
def test_python_and_sql_agree(
    balance: Decimal | None,
    equity: Decimal | None,
    credit: Decimal | None,
    initial: Decimal | None,
    own: Decimal | None,
    firms: Decimal | None,
) -> None:
    Account.objects.all().delete()
    Firm.objects.all().delete()
    made = make_account(
        balance=balance,
        equity=equity,
        credit=credit,
        initial_balance=initial,
        max_drawdown_pct=own,
        firm=make_firm(max_drawdown_pct=firms),
    )
    account = Account.objects.for_rows().with_figures().get(pk=made.pk)
    told = (account.pl, account.pl_pct, account.drawdown_used_pct)
    assert all(map(close, judged(account), told)), (judged(account), told)


def test_unknown_figures_stay_unknown() -> None:
    account = make_account(balance=None, equity=None, floating=None, initial_balance=None)
    assert judged(account) == (None, None, None)
    assert account.drawdown_left is None
    assert not account.is_near_limit


def test_drawdown_counts_equity_below_the_initial_balance_against_the_limit() -> None:
    account = make_account(
        balance=Decimal(100000), equity=Decimal(92000), max_drawdown_pct=Decimal(10)
    )
    assert account.drawdown_limit == 10000
    assert (account.drawdown_used, account.drawdown_left) == (8000, 2000)
    assert account.is_near_limit
    assert make_account(max_drawdown_pct=Decimal(10)).drawdown_used == 0


@pytest.mark.parametrize(
    ("figures", "used"),
    [
        ({"balance": 500, "equity": 1500, "credit": 1000}, 500),
        ({"balance": 500, "equity": 1400, "credit": 1000}, 600),
        ({"balance": 500, "equity": 480, "credit": 0}, 520),
        ({"balance": 500, "equity": 480, "credit": None}, 520),
        ({"balance": 500, "equity": None, "credit": 1000}, 500),
        ({"balance": 1000, "equity": 2000, "credit": 1000}, 0),
        ({"balance": None, "equity": None, "credit": 1000}, None),
    ],
)
def test_the_brokers_credit_covers_no_drawdown(figures: dict[str, Any], used: int | None) -> None:
    made = make_account(**figures, initial_balance=1000, max_drawdown_pct=10, open_positions=1)
    account = Account.objects.for_rows().with_figures().get(pk=made.pk)
    assert account.drawdown_limit == 100
    assert (account.drawdown_used, account.drawdown_used_pct) == (used, used)
    assert account.drawdown_left == (None if used is None else 100 - used)
    assert account.is_near_limit is bool(used)
    assert account.urgency(timezone.now()).level == ("critical" if used else "active")


def test_an_accounts_own_limit_goes_before_its_firms() -> None:
    firm = make_firm(max_drawdown_pct=Decimal(10))
    assert make_account(firm=firm).drawdown_limit == 10000
    assert make_account(firm=firm, max_drawdown_pct=Decimal(4)).drawdown_limit == 4000


@pytest.mark.parametrize(
    ("columns", "seconds", "fresh"),
    [
        ({}, 33, True),
        ({}, 35, False),
        ({"status": "offline"}, 0, False),
        ({"enabled": False}, 0, False),
        ({"stale_after": timedelta(seconds=130)}, 120, True),
    ],
)
def test_freshness_in_python_and_sql_agree(
    columns: dict[str, Any], seconds: int, fresh: bool
) -> None:
    now = timezone.now()
    agent = make_online_agent(last_seen_at=now - timedelta(seconds=seconds), **columns)
    make_account(agent=agent)
    account = Account.objects.for_rows().with_figures(now).get()
    assert account.is_fresh is fresh
    assert account.is_stale(now) is not fresh


def test_a_disconnected_account_and_one_without_an_agent_are_not_fresh() -> None:
    now = timezone.now()
    make_account(connected=False)
    make_account(agent=None)
    for account in Account.objects.for_rows().with_figures(now):
        assert not account.is_fresh
        assert account.is_stale(now)


@pytest.mark.parametrize(
    ("columns", "urgency"),
    [
        ({"open_positions": 1}, ("active", "It has open positions")),
        ({"open_positions": None}, ("active", "Its positions could not be read")),
        (
            {"open_positions": 1, "equity": Decimal(91000)},
            ("critical", "It is near its drawdown limit"),
        ),
        (
            {"open_positions": 1, "watch": "EURUSD is near its stop-loss"},
            ("critical", "EURUSD is near its stop-loss"),
        ),
        ({"open_positions": 0, "watch": "of before"}, ("standard", "Flat")),
        ({"open_positions": 0, "equity": Decimal(91000)}, ("standard", "Flat")),
        ({}, ("standard", "Flat")),
        (
            {"equity": Decimal(90000)},
            ("inactive", "Flat, and its drawdown limit is used up"),
        ),
        ({"open_positions": 1, "equity": Decimal(89000)}, ("critical", ANY)),
        (
            {"changed_at": timezone.now() - timedelta(days=2)},
            ("inactive", "Flat, and unchanged for a day"),
        ),
        (
            {"changed_at": timezone.now() - timedelta(days=8)},
            ("idle", "Flat, and unchanged for a week"),
        ),
    ],
)
def test_urgency_follows_what_hangs_on_the_figures(
    columns: dict[str, Any], urgency: tuple[str, str]
) -> None:
    account = make_account(max_drawdown_pct=Decimal(10), **columns)
    assert account.urgency(timezone.now()) == urgency


def test_an_account_in_a_retired_phase_is_idle_while_it_is_flat() -> None:
    retired = Phase(name="Q", is_retired=True)
    flat, open_one = (Account(phase=retired, open_positions=count) for count in (0, 1))
    assert flat.urgency(timezone.now()) == ("idle", "Flat, and its phase Q is retired")
    assert open_one.urgency(timezone.now()).level == "active"


def test_the_most_urgent_account_or_a_person_sets_how_often_an_agent_is_polled() -> None:
    agent, seconds = make_online_agent(), settings.POLL_INTERVALS
    urgencies = [Urgency("idle", "a"), Urgency("active", "b"), Urgency("active", "c")]
    assert agent.most_urgent(urgencies) == ("active", "b")
    assert agent.most_urgent([]) == ("standard", "It reports no account")
    for level in seconds:
        assert agent.interval_for(Urgency(level, "")) == timedelta(seconds=seconds[level])
    agent.fixed_interval_s = 7
    fixed = agent.most_urgent([Urgency("critical", "")])
    assert fixed == ("fixed", "Set for this agent")
    assert agent.interval_for(fixed) == timedelta(seconds=7)


@given(failures=st.integers(1, 10_000))
def test_the_backoff_grows_is_capped_and_is_never_nothing(failures: int) -> None:
    wait = Agent().backoff(failures).total_seconds()
    full = min(settings.BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 16), settings.BACKOFF_MOST_S)
    assert 0.75 * full - 1e-6 <= wait <= full + 1e-6
