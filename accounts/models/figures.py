"""The money and freshness rules of Account, in SQL, for sorting, filters and totals.

The same rules in Python are on Balance and Account; tests/accounts/test_figures.py holds the two
together.
"""

from datetime import datetime
from typing import Any, TypeVar

from django.db.models import (
    Case,
    DateTimeField,
    Expression,
    F,
    FloatField,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.expressions import Combinable, ExpressionWrapper
from django.db.models.functions import Cast, Coalesce
from django.db.models.lookups import GreaterThanOrEqual

from accounts.models.money import MONEY, MoneyField
from mt5monitor.clock import CLOCKS_DIFFER

Accounts = TypeVar("Accounts", bound="QuerySet[Any]")
FLOAT = FloatField()


def _float(name: str) -> Combinable:
    # Sorting and shares need no exact decimals, and the two databases divide decimals differently.
    return Cast(F(name), FLOAT)


def _pl_pct() -> Combinable:
    initial = _float("initial_balance")
    return Case(
        When(initial_balance__gt=0, then=(_float("balance") - initial) * 100.0 / initial),
        default=None,
        output_field=FLOAT,
    )


def _own_money() -> Combinable:
    """The rule of Account.own_money."""
    own = ExpressionWrapper(F("equity") - F("credit"), output_field=MoneyField(**MONEY))
    return Coalesce(own, F("equity"), F("balance"))


def _drawdown_used_pct() -> Combinable:
    """Used part of the drawdown limit, in percent."""
    initial, worth = _float("initial_balance"), Cast(_own_money(), FLOAT)
    limit = initial * Cast(Coalesce("max_drawdown_pct", "firm__max_drawdown_pct"), FLOAT) / 100.0
    used = (initial - worth) * 100.0 / limit
    known = Q(initial_balance__gt=0) & (
        Q(max_drawdown_pct__gt=0) | Q(max_drawdown_pct=None, firm__max_drawdown_pct__gt=0)
    )
    return Case(
        When(~known | Q(equity=None, balance=None), then=None),
        When(GreaterThanOrEqual(_own_money(), F("initial_balance")), then=Value(0.0)),
        default=used,
        output_field=FLOAT,
    )


def drawdown_left() -> Expression:
    """The rule of Account.drawdown_left, good enough to sort by; for accounts with_figures()."""
    pct = Cast(Coalesce("max_drawdown_pct", "firm__max_drawdown_pct"), FLOAT)
    unused = Value(100.0) - F("drawdown_used_pct")
    left = _float("initial_balance") * pct * unused / Value(10_000.0)
    return ExpressionWrapper(left, output_field=FLOAT)


def fresh(now: datetime) -> Q:
    """Accounts whose last reading succeeded and is not too old, nor from before the clock was set
    back."""
    oldest = ExpressionWrapper(Value(now) - F("agent__stale_after"), output_field=DateTimeField())
    seen = Q(agent__last_seen_at__gte=oldest, agent__last_seen_at__lte=now + CLOCKS_DIFFER)
    return Q(seen, agent__enabled=True, agent__status="online") & ~Q(connected=False)


def with_figures(accounts: Accounts, now: datetime) -> Accounts:
    return accounts.annotate(
        pl=F("balance") - F("initial_balance"),
        pl_pct=_pl_pct(),
        drawdown_used_pct=_drawdown_used_pct(),
        is_fresh=Case(When(fresh(now), then=True), default=False),
    )
