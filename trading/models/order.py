"""One request to open, close or modify: durable before anything touches the wire."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Account, Agent, ApiToken, Position
from accounts.models.money import MONEY, MoneyField
from accounts.models.position import PRICE, VOLUME
from accounts.models.proof import Proven
from trading.identity import TAG_LENGTH, new_magic, new_tag
from trading.states import LOCKING, OPEN, State


class OrderQuerySet(models.QuerySet["Order"]):
    def open(self) -> "OrderQuerySet":
        """Not ended yet."""
        return self.filter(state__in=OPEN)

    def locking(self) -> "OrderQuerySet":
        """Those whose outcome is awaited or unknown."""
        return self.filter(state__in=LOCKING)


class Order(Proven):
    class Kind(models.TextChoices):
        OPEN = "open"
        CLOSE = "close"
        MODIFY = "modify"

    # What was asked, by whom, of whom: never changed after the row is made.
    client_key = models.CharField(max_length=64, unique=True, editable=False)
    tag = models.CharField(max_length=TAG_LENGTH, unique=True, default=new_tag, editable=False)
    magic = models.BigIntegerField(unique=True, default=new_magic, editable=False)
    kind = models.CharField(max_length=6, choices=Kind.choices)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="orders")
    login = models.BigIntegerField(help_text="number of the account when it was placed")
    server = models.CharField(max_length=64, blank=True)
    agent = models.ForeignKey(Agent, null=True, on_delete=models.SET_NULL, related_name="orders")
    agent_name = models.CharField(max_length=64)
    agent_url = models.CharField(max_length=300)
    contract = models.CharField(max_length=1, choices=Agent.Contract.choices)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="orders"
    )
    username = models.CharField(max_length=150)
    # Of the credentials of its user when it was placed; None where that is unknown, and of a leg of
    # a versus, which goes on when they end.
    generation = models.PositiveIntegerField(null=True, editable=False)
    token = models.ForeignKey(
        ApiToken, null=True, on_delete=models.SET_NULL, related_name="orders", editable=False
    )
    symbol = models.CharField(max_length=32)
    side = models.CharField(
        max_length=4, choices=Position.Side.choices, help_text="of the trade or the position"
    )
    volume = models.DecimalField(**VOLUME, null=True, help_text="lots")
    sl = models.DecimalField("stop-loss", **PRICE, null=True)
    tp = models.DecimalField("take-profit", **PRICE, null=True)
    position = models.BigIntegerField("position", null=True, help_text="ticket")
    deviation = models.PositiveIntegerField(default=20, help_text="points")
    overrides_lock = models.BooleanField(default=False)
    override_reason = models.CharField(max_length=300, blank=True)
    # Of the versus that it is a leg of, and of which of its runs and steps.
    versus = models.ForeignKey(
        "trading.Versus", null=True, on_delete=models.PROTECT, related_name="orders"
    )
    run = models.PositiveSmallIntegerField(null=True)
    step = models.CharField(max_length=16, blank=True)
    placed_at = models.DateTimeField(db_index=True)
    valid_until = models.DateTimeField(help_text="never sent after this")

    # What became of it.
    state = models.CharField(
        max_length=20, choices=State.choices, default=State.QUEUED, db_index=True
    )
    claimed_at = models.DateTimeField(null=True)
    deadline = models.DateTimeField(null=True, help_text="an answer after this does not come")
    unknown_at = models.DateTimeField(null=True, help_text="since when its outcome is unknown")
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    retcode = models.PositiveIntegerField(null=True)
    order_ticket = models.BigIntegerField(null=True)
    deal_ticket = models.BigIntegerField(null=True)
    position_ticket = models.BigIntegerField(null=True)
    position_identifier = models.BigIntegerField(
        null=True, help_text="of the position that it is about or opened; stays when tickets change"
    )
    filled_volume = models.DecimalField(**VOLUME, null=True)
    price = models.DecimalField(**PRICE, null=True)
    profit = MoneyField(**MONEY, null=True)
    reason = models.CharField(max_length=500, blank=True, help_text="in plain words")
    # What was at the account just before it was sent: for agents that know no tags.
    tickets_before = models.JSONField(null=True)
    absences = models.PositiveSmallIntegerField(default=0, help_text="credible ones, in a row")
    looked_at = models.DateTimeField(null=True, help_text="last look for what became of it")
    settled_by = models.CharField(max_length=150, blank=True)

    ASKED: ClassVar[tuple[str, ...]] = (
        "client_key",
        "tag",
        "magic",
        "kind",
        "account_id",
        "login",
        "server",
        "agent_name",
        "agent_url",
        "contract",
        "username",
        "symbol",
        "side",
        "volume",
        "sl",
        "tp",
        "position",
        "deviation",
        "overrides_lock",
        "override_reason",
        "versus_id",
        "run",
        "step",
        "placed_at",
        "valid_until",
        "proven_by",
        "proven_at",
        "factor",
        "generation",
    )

    objects: ClassVar[models.Manager["Order"]] = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-pk"]
        permissions = [
            ("trade", "Can open, close and modify positions"),
            ("override_lock", "Can close while the outcome of another order is unknown"),
            ("stop_trading", "Can switch trading off and on"),
            ("settle_order", "Can settle orders whose outcome is unknown"),
        ]
        default_permissions = ("view",)
        indexes = [
            models.Index(fields=["account", "-placed_at"], name="orders_of_an_account"),
            models.Index(fields=["user", "claimed_at"], name="orders_of_a_user"),
        ]
        constraints = [
            # The lock of an account: it survives crashes and needs no expiry.
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state__in=sorted(LOCKING), overrides_lock=False),
                name="one_order_under_way_an_account",
            ),
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(state__in=sorted(LOCKING), overrides_lock=True),
                name="one_override_under_way_an_account",
            ),
            models.CheckConstraint(
                condition=~models.Q(kind="open")
                | models.Q(volume__gt=0, position=None, overrides_lock=False),
                name="an_open_has_a_volume_and_no_position",
            ),
            models.CheckConstraint(
                condition=models.Q(kind="open") | models.Q(position__isnull=False),
                name="a_close_or_modify_has_a_position",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.words} on {self.login}"

    @property
    def where(self) -> str:
        """Which account, in words; the login alone where its account was not read along."""
        cached = Order._meta.get_field("account").is_cached(self)
        return self.account.title if cached else str(self.login)

    @property
    def words(self) -> str:
        """What it asks, as a person would say it: "buy 0.1 EURUSD"."""
        lots = f"{self.volume.normalize():f}" if self.volume is not None else "all"
        if self.kind == self.Kind.OPEN:
            return f"{self.side.lower()} {lots} {self.symbol}"
        if self.kind == self.Kind.CLOSE:
            return f"close {lots} of #{self.position} {self.symbol}"
        return f"set SL and TP of #{self.position} {self.symbol}"

    @property
    def identity(self) -> int | None:
        """What the position is known by that it is about, or opened: its identifier, else the
        ticket by which we learned of it. On a hedging account, an opening order's own."""
        return (
            self.position_identifier or self.position or self.position_ticket or self.order_ticket
        )

    @property
    def is_ended(self) -> bool:
        return self.state not in OPEN
