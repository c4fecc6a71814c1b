"""An MT5 login: its figures as last read, and what people say of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar

from django.db import models
from simple_history.models import HistoricalRecords

from accounts.models.accountset import ROWS_BY_ID, AccountQuerySet
from accounts.models.agent import Agent
from accounts.models.balance import Balance
from accounts.models.labels import Firm, Phase, VSGroup
from accounts.models.money import MONEY, MoneyField
from accounts.models.unreadable import UnreadablePosition
from accounts.models.urgency import Urgency

INACTIVE_AFTER = timedelta(days=1)
IDLE_AFTER = timedelta(days=7)
HELD, FLAT = Urgency("active", "It has open positions"), Urgency("standard", "Flat")


class Account(Balance):
    class Slot(models.TextChoices):
        A = "A"
        B = "B"

    class MarginMode(models.TextChoices):
        HEDGING = "hedging"
        NETTING = "netting"

    # Brokers number their logins each by itself: an account is a login at a server.
    number = models.BigIntegerField(db_index=True, help_text="the MT5 login")
    shares_number = models.BooleanField(
        default=False, editable=False, help_text="another account has this number; see mark_shared"
    )
    separate = models.PositiveSmallIntegerField(
        default=0,
        editable=False,
        help_text="not 0: a person said that it is none of the others of its number and no server",
    )

    # Edited by people; holder, firm and initial balance are filled once, when the agent tells them.
    holder = models.CharField(max_length=80, blank=True)
    firm = models.ForeignKey(
        Firm, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts"
    )
    phase = models.ForeignKey(Phase, null=True, on_delete=models.PROTECT, related_name="accounts")
    vs_group = models.ForeignKey(
        VSGroup,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="members",
        verbose_name="VS group",
    )
    vs_slot = models.CharField(max_length=1, choices=Slot.choices, blank=True, editable=False)
    note = models.TextField(blank=True)
    edited_at = models.DateTimeField(null=True, editable=False, db_index=True)
    seeded = models.JSONField(
        default=list, editable=False, help_text="columns told once; see seeds"
    )

    # Polled. Empty means that no agent has told it: unknown, which is never zero.
    agent = models.ForeignKey(
        Agent, null=True, blank=True, on_delete=models.SET_NULL, related_name="accounts"
    )
    name = models.CharField(max_length=128, blank=True)
    server = models.CharField(max_length=64, blank=True)
    company = models.CharField(max_length=128, blank=True)
    currency = models.CharField(max_length=8, blank=True)
    connected = models.BooleanField(null=True, help_text="terminal to broker")
    margin = MoneyField(**MONEY, null=True)
    margin_free = MoneyField(**MONEY, null=True)
    leverage = models.PositiveIntegerField(null=True)
    margin_mode = models.CharField(max_length=8, choices=MarginMode.choices, blank=True)
    trade_allowed = models.BooleanField(null=True)
    days_operating = models.PositiveIntegerField(null=True)
    open_positions = models.PositiveIntegerField(
        null=True, help_text="how many; empty: unknown, because they could not be read"
    )
    positions_error = models.CharField(max_length=300, blank=True)
    unreadable_positions = models.JSONField(
        default=list, help_text="those of them that could not be read: ticket, problem"
    )
    watch = models.CharField(
        max_length=120,
        blank=True,
        editable=False,
        help_text="what a price is near to; see nearness",
    )
    changed_at = models.DateTimeField(null=True, db_index=True, help_text="last change of a figure")

    POLLED: ClassVar[tuple[str, ...]] = (
        "name",
        "server",
        "company",
        "currency",
        "currency_digits",
        "connected",
        "balance",
        "credit",
        "equity",
        "floating",
        "margin",
        "margin_free",
        "leverage",
        "margin_mode",
        "trade_allowed",
        "days_operating",
        "open_positions",
        "positions_error",
        "unreadable_positions",
    )

    history = HistoricalRecords(
        excluded_fields=[
            *(*POLLED, "agent", "watch", "changed_at", "edited_at", "seeded"),
            *("shares_number", "separate"),
        ]
    )
    objects: ClassVar[models.Manager["Account"]] = AccountQuerySet.as_manager()

    class Meta:
        ordering = ["number"]
        permissions = [
            ("change_phase", "Can change the phase of accounts"),
            ("change_vs", "Can change the VS group of accounts"),
            ("view_logs", "Can see the operations log"),
            ("sync_sheets", "Can write the fleet and its trades to Google Sheets"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(number__gt=0), name="number_is_a_login"),
            models.UniqueConstraint(
                fields=["number", "server"],
                condition=~models.Q(server=""),
                name="one_account_a_login_and_server",
            ),
            models.UniqueConstraint(
                fields=["number", "separate"],
                condition=models.Q(server=""),
                name="one_account_a_login_without_a_server",
            ),
            models.UniqueConstraint(
                fields=["agent", "number"], name="one_account_a_login_an_agent"
            ),
            models.UniqueConstraint(
                fields=["vs_group", "vs_slot"],
                condition=models.Q(vs_group__isnull=False),
                name="two_members_a_vs_group",
            ),
            models.CheckConstraint(
                condition=models.Q(vs_group__isnull=True, vs_slot="")
                | models.Q(vs_group__isnull=False, vs_slot__in=["A", "B"]),
                name="vs_slot_goes_with_a_vs_group",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.holder or self.name}".strip()

    # --- which one it is ----------------------------------------------------------------------
    @property
    def title(self) -> str:
        """Its number, and where several accounts have that: its server, else its agent."""
        return f"{self.number} ({self.server_shown})" if self.shares_number else str(self.number)

    @property
    def server_shown(self) -> str:
        """What is shown beside its number, where several accounts have that; else empty."""
        if not self.shares_number:
            return ""
        return self.server or (f"agent {self.agent}" if self.agent else "no agent")

    @property
    def key(self) -> str:
        """For URLs and forms: its number, and where several accounts have that, its id as well."""
        return f"{self.number}-{self.pk}" if self.shares_number else str(self.number)

    @property
    def row(self) -> int:
        """For live pages, which know rows by whole numbers: its number, or one made of its id."""
        return ROWS_BY_ID + int(self.pk) if self.shares_number else self.number

    # --- money: see Balance -------------------------------------------------------------------
    @property
    def drawdown_pct(self) -> Decimal | None:
        """Its own, else its firm's."""
        if self.max_drawdown_pct is not None or self.firm is None:
            return self.max_drawdown_pct
        return self.firm.max_drawdown_pct

    # --- positions ----------------------------------------------------------------------------
    @property
    def unreadable(self) -> list[UnreadablePosition]:
        """Open positions of no known figures: they are counted, but not among `positions`."""
        return [UnreadablePosition(**told) for told in self.unreadable_positions]

    def may_hold(self, ticket: int) -> bool:
        """Whether a position of that ticket may be open that is not among `positions`."""
        unread = self.open_positions is None
        named = {one.ticket for one in self.unreadable}
        return unread or bool(named & {None, ticket}) or self.unnamed > 0

    @property
    def unnamed(self) -> int:
        """How many positions could not be read beyond those that are kept as unreadable."""
        rows = len(self.unreadable_positions)
        if not rows:
            return 0
        return max((self.open_positions or 0) - self.positions.count() - rows, 0)

    # --- freshness ----------------------------------------------------------------------------
    def is_stale(self, now: datetime) -> bool:
        return self.agent is None or self.agent.is_stale(now) or self.connected is False

    @property
    def seen_at(self) -> datetime | None:
        """When the figures were last confirmed; their age follows from it."""
        return self.agent.last_seen_at if self.agent else None

    def state(self) -> str:
        """The agent's status as it concerns this account; `unknown` when no agent reports it."""
        if self.agent is None:
            return Agent.Status.UNKNOWN
        if self.agent.is_online and self.connected is False:
            return Agent.Status.DISCONNECTED
        return self.agent.status

    def urgency(self, now: datetime) -> Urgency:
        """How soon this account's figures are wanted again."""
        if self.open_positions is None:
            return Urgency("active", "Its positions could not be read")
        if self.open_positions > 0:
            if self.is_near_limit:
                return Urgency("critical", "It is near its drawdown limit")
            return Urgency("critical", self.watch) if self.watch else HELD
        if self.phase is not None and self.phase.is_retired:
            return Urgency("idle", f"Flat, and its phase {self.phase} is retired")
        quiet = now - self.changed_at if self.changed_at else timedelta(0)
        if quiet > IDLE_AFTER:
            return Urgency("idle", "Flat, and unchanged for a week")
        if self.drawdown_used_share is not None and self.drawdown_used_share >= 1:
            return Urgency("inactive", "Flat, and its drawdown limit is used up")
        return (
            Urgency("inactive", "Flat, and unchanged for a day") if quiet > INACTIVE_AFTER else FLAT
        )
