"""The money of an account: what it has, what it began with, and how much of that may be lost.

models/figures.py states the same rules in SQL; a property test holds the two together.
"""

from decimal import Decimal

from django.conf import settings
from django.db import models

from accounts.models.labels import PERCENT
from accounts.models.money import CENT_PLACES, MONEY, MoneyField, places_of


class Balance(models.Model):
    # Edited by people; the initial balance is filled once, when the agent reports it.
    initial_balance = MoneyField(**MONEY, null=True, blank=True)
    max_drawdown_pct = models.DecimalField(
        "maximum drawdown, %",
        **PERCENT,
        null=True,
        blank=True,
        help_text="Of the initial balance. Empty: as its firm says.",
    )

    # Polled. None: unknown, which is never zero.
    currency_digits = models.PositiveSmallIntegerField(
        null=True, help_text="decimals of its money; empty: not told"
    )
    balance = MoneyField(**MONEY, null=True)
    credit = MoneyField(**MONEY, null=True)
    equity = MoneyField(**MONEY, null=True)
    floating = MoneyField(**MONEY, null=True, help_text="profit of the open positions")

    class Meta:
        abstract = True

    @property
    def money_places(self) -> int:
        """Decimals of its money: as its agent tells them, else as many as its figures need."""
        if self.currency_digits is not None:
            return self.currency_digits
        figures = (self.balance, self.equity, self.floating, self.credit, self.initial_balance)
        return max((places_of(one) for one in figures if one is not None), default=CENT_PLACES)

    @property
    def pl_now(self) -> Decimal | None:
        """Balance minus initial balance; never mixed with floating."""
        if self.balance is None or self.initial_balance is None:
            return None
        return self.balance - self.initial_balance

    @property
    def pl_pct_now(self) -> Decimal | None:
        if self.pl_now is None or not self.initial_balance:
            return None
        return self.pl_now * 100 / self.initial_balance

    @property
    def drawdown_pct(self) -> Decimal | None:
        """Share of the initial balance that may be lost, in percent; None: no limit is known."""
        raise NotImplementedError

    @property
    def drawdown_limit(self) -> Decimal | None:
        """Money that may be lost of the initial balance; None when no limit is known."""
        if self.drawdown_pct is None or self.initial_balance is None:
            return None
        return self.initial_balance * self.drawdown_pct / 100

    @property
    def own_money(self) -> Decimal | None:
        """Equity without the broker's credit, else balance, which holds none; None: unknown.

        Agents of contract 1 do not report credit. Their equity is balance plus floating, so none
        is in it.
        """
        if self.equity is None:
            return self.balance
        return self.equity if self.credit is None else self.equity - self.credit

    @property
    def drawdown_used(self) -> Decimal | None:
        """Own money below the initial balance; None: unknown. Credit covers no loss."""
        if self.own_money is None or self.initial_balance is None:
            return None
        return max(self.initial_balance - self.own_money, Decimal(0))

    @property
    def drawdown_left(self) -> Decimal | None:
        if self.drawdown_limit is None or self.drawdown_used is None:
            return None
        return self.drawdown_limit - self.drawdown_used

    @property
    def drawdown_used_share(self) -> Decimal | None:
        """Part of the limit that is used up: 0 none, 1 all, more than 1 broken."""
        if not self.drawdown_limit or self.drawdown_used is None:
            return None
        return self.drawdown_used / self.drawdown_limit

    @property
    def is_near_limit(self) -> bool:
        share = self.drawdown_used_share
        return share is not None and share >= Decimal(str(settings.NEAR_LIMIT))
