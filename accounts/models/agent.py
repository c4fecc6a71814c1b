"""The HTTP service beside one MT5 terminal."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar

from cryptography.fernet import InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from accounts.agents import Endpoint, check_url
from accounts.agents.errors import AgentError
from accounts.models.agentset import QUOTA_ALARM, AgentQuerySet
from accounts.models.money import MONEY, MoneyField
from accounts.models.urgency import FIXED, Urgency
from accounts.secret import decrypt, encrypt
from mt5monitor.clock import is_ahead

STALE_AFTER_MISSED = 2  # intervals without an answer, plus STALE_GRACE, make a figure stale
STALE_GRACE = timedelta(seconds=10)
AWAITS_ORDERS = (
    "An order through this agent has no known outcome yet. Until it has, or a person has settled "
    "it on the page of orders, the agent stays where it is."
)


def validate_agent_url(url: str) -> None:
    try:
        check_url(url, settings.AGENTS["ALLOWED_NETWORKS"])
    except AgentError as error:
        raise ValidationError(error.sentence) from error


class Agent(models.Model):
    class Contract(models.TextChoices):
        V1 = "1", "1, unsigned"
        V2 = "2", "2, signed"

    class Status(models.TextChoices):
        UNKNOWN = "unknown", "not polled yet"
        ONLINE = "online"
        OFFLINE = "offline"
        TIMEOUT = "timeout"
        ERROR = "error"
        DISCONNECTED = "disconnected"

    # Edited by people.
    name = models.CharField(max_length=64, unique=True)
    display_name = models.CharField(max_length=80, blank=True)
    url = models.CharField(
        "URL",
        max_length=300,
        unique=True,
        validators=[validate_agent_url],
        help_text="Such as http://10.0.0.5:8000; a path prefix is allowed.",
    )
    contract = models.CharField(max_length=1, choices=Contract.choices, default=Contract.V1)
    secret_encrypted = models.BinaryField(null=True, editable=False)
    enabled = models.BooleanField(default=True, help_text="Only enabled agents are polled.")
    trading_enabled = models.BooleanField(
        default=False, help_text="Whether orders may be sent through this agent."
    )
    fixed_interval_s = models.PositiveSmallIntegerField(
        "poll every, s",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(3600)],
        help_text="Seconds. Empty: by urgency of its accounts.",
    )
    server = models.CharField(
        max_length=64,
        blank=True,
        help_text="The broker's server, as its terminal names it, such as Broker-Live. Only for "
        "contract 1, whose agents do not report it: it tells apart equal logins at two brokers.",
    )
    expected_accounts = models.PositiveSmallIntegerField(
        "accounts expected",
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="A new account beyond so many waits under Conflicts until a person adds it. "
        "Empty: as AGENT_ACCOUNTS says.",
    )
    # Given to the first account that this agent reports, where that account has none.
    account_holder = models.CharField(max_length=80, blank=True)
    prop_firm = models.CharField(max_length=80, blank=True)
    initial_balance = MoneyField(**MONEY, null=True, blank=True)

    # Polled.
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.UNKNOWN)
    status_code = models.CharField(max_length=40, blank=True, help_text="name of the error")
    status_reason = models.CharField(max_length=300, blank=True)
    status_since = models.DateTimeField(default=timezone.now)
    last_seen_at = models.DateTimeField(null=True, db_index=True, help_text="last good answer")
    polled_at = models.DateTimeField(null=True, help_text="last poll that was begun")
    next_poll_at = models.DateTimeField(default=timezone.now, db_index=True)
    interval = models.DurationField(default=timedelta(seconds=12))
    urgency = models.CharField(max_length=8, blank=True, help_text="that the interval follows from")
    interval_reason = models.CharField(max_length=120, blank=True)
    stale_after = models.DurationField(default=timedelta(seconds=34))
    failures = models.PositiveIntegerField(default=0, help_text="in a row")
    recovered_at = models.DateTimeField(null=True, help_text="last time a reconnect was asked for")
    etag = models.CharField(max_length=128, blank=True)
    claim = models.UUIDField(null=True, db_index=True)
    # The database has the default too: a release that does not know the column can add agents.
    quota_kind = models.CharField(max_length=16, blank=True, default="", db_default="")
    quota_at = models.DateTimeField(null=True, help_text="when a quota last held something back")

    history = HistoricalRecords(
        excluded_fields=[
            "secret_encrypted",
            "status",
            "status_code",
            "status_reason",
            "status_since",
            "last_seen_at",
            "polled_at",
            "next_poll_at",
            "interval",
            "urgency",
            "interval_reason",
            "stale_after",
            "failures",
            "recovered_at",
            "etag",
            "claim",
            "quota_kind",
            "quota_at",
        ]
    )
    objects: ClassVar[models.Manager["Agent"]] = AgentQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.display_name or self.name

    @property
    def secret(self) -> bytes | None:
        """The shared secret of contract 2; None when there is none or no key opens it."""
        if self.secret_encrypted is None:
            return None
        try:
            return decrypt(bytes(self.secret_encrypted))
        except InvalidToken:
            return None

    def set_secret(self, secret: str) -> None:
        self.secret_encrypted = encrypt(secret.encode()) if secret else None

    # What was learned or decided under one URL and means nothing under another.
    OF_THE_ADDRESS: ClassVar[tuple[str, ...]] = (
        *("secret_encrypted", "etag", "failures", "trading_enabled"),
    )

    def move_to(self, url: str, contract: str | None = None) -> bool:
        """Set URL and API version; return whether either changed.

        Another one is another program until proven otherwise: it never gets the old secret, and no
        order before a person with a trading right approves it.
        """
        contract = contract or self.contract
        if (url, contract) == (self.url, self.contract):
            return False
        self.url, self.contract = url, contract
        self.secret_encrypted = None
        self.etag = ""
        self.failures = 0
        self.trading_enabled = False
        return True

    def refusal_to_trade(self) -> str:
        """Why no order can be sent through it; empty when orders can. One query where it is on."""
        if not self.trading_enabled:
            return f"Trading through agent {self} is switched off."
        if not self.approvals.filter(url=self.url, contract=self.contract).exists():
            return (
                f"Trading through agent {self} was not approved at its present URL. Switch its "
                "trading off and on again in the admin to approve it."
            )
        return ""

    def awaits_orders(self) -> bool:
        """Whether the outcome of an order is asked for at its address."""
        return self.pk is not None and self.orders.open().exists()

    def endpoint(self) -> Endpoint:
        return Endpoint(
            id=self.pk,
            name=self.name,
            url=self.url,
            contract=self.contract,
            secret=self.secret,
            etag=self.etag or None,
        )

    # --- what it can have us write ------------------------------------------------------------
    @property
    def accounts_expected(self) -> int:
        return self.expected_accounts or settings.AGENT_ACCOUNTS

    def quota_alarm(self, now: datetime) -> str:
        """The kind of the quota that held something of it back within the hour; else empty."""
        stands = self.quota_at is not None and abs(now - self.quota_at) < QUOTA_ALARM
        return self.quota_kind if stands else ""

    # --- rules --------------------------------------------------------------------------------
    @property
    def is_online(self) -> bool:
        return self.status == self.Status.ONLINE

    def is_stale(self, now: datetime) -> bool:
        """Whether figures of this agent are too old, or the last reading failed."""
        if not self.is_online or self.last_seen_at is None or not self.enabled:
            return True
        if self.is_ahead(now):
            return True  # how old they are is not known
        return now - self.last_seen_at > self.stale_after

    def has_newer_answer(self, begun: datetime, now: datetime) -> bool:
        """Whether it was heard since a poll was begun. One heard in the future was heard before the
        clock was set back."""
        if self.last_seen_at is None or self.is_ahead(now):
            return False
        return begun < self.last_seen_at

    def is_ahead(self, now: datetime) -> bool:
        return is_ahead(self.last_seen_at, now)

    def is_reachable(self) -> bool:
        return bool(self.failures < settings.FAILURES_BEFORE_RECOVERY)

    def may_recover(self, now: datetime) -> bool:
        """Whether its terminal may be asked to reconnect: not for a while after the last time."""
        return not self.is_reachable() and self.recovery_is_due(self.recovered_at, now)

    @staticmethod
    def recovery_is_due(recovered_at: datetime | None, now: datetime) -> bool:
        """Also when the last one lies that far ahead: the clock was set back."""
        every = timedelta(seconds=settings.RECOVERY_EVERY_S)
        return recovered_at is None or abs(now - recovered_at) >= every

    def most_urgent(self, urgencies: Sequence[Urgency]) -> Urgency:
        """What the interval follows from, of those of its accounts, unless a person has set one."""
        if self.fixed_interval_s:
            return Urgency(FIXED, "Set for this agent")
        none = Urgency("standard", "It reports no account")
        return min(urgencies, key=lambda one: settings.POLL_INTERVALS[one.level], default=none)

    def interval_for(self, urgency: Urgency) -> timedelta:
        """Time between two polls."""
        if urgency.level == FIXED:
            return timedelta(seconds=self.fixed_interval_s or 0)
        return timedelta(seconds=settings.POLL_INTERVALS[urgency.level])

    @staticmethod
    def stale_after_for(interval: timedelta) -> timedelta:
        return interval * STALE_AFTER_MISSED + STALE_GRACE

    def backoff(self, failures: int) -> timedelta:
        """Wait after the nth failure in a row: doubling, capped, a quarter of it random so that
        agents that fell together do not come back together."""
        doubled = settings.BACKOFF_FIRST_S * 2 ** min(failures - 1, 16)
        seconds = min(doubled, settings.BACKOFF_MOST_S)
        return timedelta(seconds=seconds * random.uniform(0.75, 1))  # noqa: S311

    def save_changed(self, **columns: Any) -> None:
        """Set these columns and write them alone; the others may be newer in the database."""
        for name, value in columns.items():
            setattr(self, name, value)
        self.save(update_fields=list(columns))
