"""A versus: a paired operation on two accounts, and the timeline of what became of it."""

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce

from accounts.models import Account, Position
from accounts.models.money import MONEY, MoneyField
from accounts.models.position import VOLUME
from accounts.models.proof import Proven
from trading.models.order import Order
from trading.states import EXECUTED
from trading.states import State as OrderState
from trading.versus.states import ALARMING, DRIVEN, ENDED, ON_ITS_WAY, State

CODE_LENGTH = 6
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none that is taken for another
WINDOW = timedelta(minutes=5)
USER: dict[str, Any] = {
    "to": settings.AUTH_USER_MODEL,
    "null": True,
    "on_delete": models.SET_NULL,
    "related_name": "+",
}


def new_code() -> str:
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


class VersusQuerySet(models.QuerySet["Versus"]):
    def open(self) -> "VersusQuerySet":
        return self.exclude(state__in=ENDED)

    def listed(self) -> "VersusQuerySet":
        """Those that were not archived."""
        return self.filter(archived_at=None)

    def driven(self) -> "VersusQuerySet":
        return self.filter(state__in=DRIVEN)

    def executed_since(self, placed_after: datetime) -> "VersusQuerySet":
        """Ended ones an order of which, placed after that, was executed after their end."""
        late = Order.objects.filter(
            state=OrderState.LATE_FILL, placed_at__gt=placed_after, versus__isnull=False
        )
        late = late.filter(ended_at__gt=models.F("versus__ended_at"))
        return self.filter(pk__in=late.values("versus"), state__in=ENDED)

    def held_since(self, ended_after: datetime) -> "VersusQuerySet":
        """Ended ones a leg of which is among the positions that were read last."""
        number = Coalesce("position_identifier", "position_ticket", "order_ticket")
        legs = Order.objects.filter(kind=Order.Kind.OPEN, state__in=EXECUTED).annotate(leg=number)
        held = Position.objects.filter(account=models.OuterRef("account"))
        leg = models.OuterRef("leg")
        named = models.Q(ticket=leg) | models.Q(identifier=leg)
        legs = legs.filter(models.Exists(held.filter(named)))
        ended = self.filter(state__in=ENDED, ended_at__gt=ended_after)
        return ended.filter(pk__in=legs.filter(versus__in=ended).values("versus"))


class Versus(Proven):
    """Congelar opens BUY and SELL of `lots` on A. Transferir ends with the leg of side `side_a` on
    A and the opposite side, in two halves, on B.

    Stops are amounts of money, positive, in the currency of their account; none where empty.
    """

    code = models.CharField(max_length=CODE_LENGTH, unique=True, default=new_code, editable=False)
    account_a = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="versus_as_a")
    account_b = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="versus_as_b")
    login_a = models.BigIntegerField()
    login_b = models.BigIntegerField()
    symbol_a = models.CharField(max_length=32)
    symbol_b = models.CharField(max_length=32)
    lots = models.DecimalField(**VOLUME)
    side_a = models.CharField(
        "side of A", max_length=4, choices=Position.Side.choices, help_text="the leg that A keeps"
    )
    sl_a = MoneyField("stop-loss of A", **MONEY, null=True, blank=True)
    tp_a = MoneyField("take-profit of A", **MONEY, null=True, blank=True)
    sl_b = MoneyField("stop-loss of B", **MONEY, null=True, blank=True)
    tp_b = MoneyField("take-profit of B", **MONEY, null=True, blank=True)

    # By the last deals before its legs were opened; what the driver goes by is stored.
    commission_a = MoneyField("commission of A, a lot in and out", **MONEY, null=True)
    commission_b = MoneyField("commission of B, a lot in and out", **MONEY, null=True)

    zone = models.CharField(max_length=64, help_text="in which the schedule was written, as IANA")
    freeze_at = models.DateTimeField(null=True, blank=True)
    transfer_at = models.DateTimeField(null=True, blank=True)
    window = models.DurationField(default=WINDOW, help_text="how late a scheduled step may begin")

    state = models.CharField(max_length=16, choices=State.choices, default=State.PENDING)
    reason = models.CharField(max_length=500, blank=True, help_text="in plain words")
    run = models.PositiveSmallIntegerField(
        default=0, help_text="how often it was set going: a transfer that failed may be run again"
    )
    failed_step = models.CharField(
        max_length=16, blank=True, help_text="could not even be placed; what was opened is undone"
    )
    retry_at = models.DateTimeField(null=True, help_text="next attempt of what must not fail")
    gone_at = models.DateTimeField(null=True, help_text="when a leg was first seen to be gone")
    since = models.DateTimeField(help_text="in this state")
    ended_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True, help_text="taken off the lists, after its end")

    created_at = models.DateTimeField()
    created_by = models.ForeignKey(**USER)
    creator = models.CharField(max_length=150)
    acknowledged_at = models.DateTimeField(null=True)
    acknowledged_by = models.ForeignKey(**USER)
    acknowledger = models.CharField(max_length=150, blank=True)
    acknowledged = models.JSONField(default=list, help_text="the warnings, as they were shown")
    # By whose permission its orders are sent, until the last leg is closed, and with whose proof.
    runner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="who set it going last, or scheduled it, or made it",
    )
    runner_name = models.CharField(max_length=150)

    objects: ClassVar[models.Manager["Versus"]] = VersusQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        verbose_name_plural = "versus"
        default_permissions = ("view",)
        permissions = [
            ("run_versus", "Can create, run, schedule and close versus"),
            ("acknowledge_firm_rules", "Can acknowledge what the rules of a firm say of a versus"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(account_a=models.F("account_b")),
                name="a_versus_has_two_accounts",
            ),
            models.CheckConstraint(condition=models.Q(lots__gt=0), name="a_versus_has_lots"),
            models.UniqueConstraint(
                fields=["account_a"],
                condition=~models.Q(state__in=sorted(ENDED)),
                name="one_open_versus_an_account_a",
            ),
            models.UniqueConstraint(
                fields=["account_b"],
                condition=~models.Q(state__in=sorted(ENDED)),
                name="one_open_versus_an_account_b",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.login_a} ⇄ {self.login_b}"

    @property
    def side_b(self) -> str:
        sides = {Position.Side.BUY: Position.Side.SELL, Position.Side.SELL: Position.Side.BUY}
        return sides[Position.Side(self.side_a)]

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_orphaned(self) -> bool:
        """On its way, by somebody who may not run it any more: none of its orders leaves."""
        if self.state not in ON_ITS_WAY:
            return False
        return not (self.runner.is_active and self.runner.has_perm("trading.run_versus"))

    @property
    def is_alarming(self) -> bool:
        return self.state in ALARMING


class VersusEvent(models.Model):
    """The timeline: appended and never changed."""

    versus = models.ForeignKey(Versus, on_delete=models.PROTECT, related_name="events")
    at = models.DateTimeField()
    state = models.CharField(max_length=16, blank=True, help_text="from here on; empty: as it was")
    step = models.CharField(max_length=24, blank=True)
    text = models.CharField(max_length=500, help_text="in plain words")
    actor = models.CharField(max_length=150, blank=True, help_text="user; empty: the monitor")
    data = models.JSONField(null=True)

    objects: ClassVar[models.Manager["VersusEvent"]]

    class Meta:
        ordering = ["at", "pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.at:%H:%M:%S} {self.state} {self.text}"
