"""What a user, an account, or everybody may trade at most."""

import re
from decimal import Decimal
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import Account
from accounts.models.position import VOLUME

_SYMBOL = re.compile(r'"([^"]+)"|(\S+)')


class TradeLimit(models.Model):
    """Empty user and account: for all of them. Every row that fits an order holds for it."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE
    )
    account = models.ForeignKey(Account, null=True, blank=True, on_delete=models.CASCADE)
    max_lots = models.DecimalField(
        "lots an order", **VOLUME, null=True, blank=True, validators=[MinValueValidator(Decimal(0))]
    )
    orders_per_minute = models.PositiveIntegerField(null=True, blank=True)
    symbols = models.TextField(
        blank=True, help_text="Allowed ones, separated by spaces; empty: all. As at the broker."
    )

    objects: ClassVar[models.Manager["TradeLimit"]]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Coalesce("user_id", 0), Coalesce("account_id", 0), name="one_limit_for_the_same"
            )
        ]

    def __str__(self) -> str:
        who = self.user.get_username() if self.user else "everybody"
        where = self.account.title if self.account else "all accounts"
        return f"{who}, {where}"

    @property
    def allowed_symbols(self) -> set[str]:
        """A name with spaces stands in double quotes."""
        return {quoted or plain for quoted, plain in _SYMBOL.findall(self.symbols)}
