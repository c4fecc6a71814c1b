"""What is over: deals as agents told them, positions made of them, and what accounts were worth.

`Deal` rows are the truth for agents of contract 2; `ClosedTrade` rows follow from them. Agents of
contract 1 tell closed positions only, so there `ClosedTrade` rows are all there is.
"""

from datetime import datetime
from decimal import Decimal
from typing import ClassVar, Final

from django.db import models

from accounts.models import Account, Agent, Position
from accounts.models.money import MONEY, MoneyField
from accounts.models.position import PRICE, VOLUME

WORD = 20
TOLD_TIME = 40
QUARTER_S: Final = 15 * 60
TRADES: Final = ("BUY", "SELL")
CREDIT: Final = "CREDIT"
COMMISSIONS: Final = (
    *("COMMISSION", "COMMISSION_DAILY", "COMMISSION_MONTHLY"),
    *("COMMISSION_AGENT_DAILY", "COMMISSION_AGENT_MONTHLY"),
)
COSTS: Final = (
    *COMMISSIONS,
    *("CHARGE", "CORRECTION", "INTEREST", "DIVIDEND", "DIVIDEND_FRANKED", "TAX"),
)
"""Types of deals that only move money, for a position or for the account; rebates included."""


class DealQuerySet(models.QuerySet["Deal"]):
    def trades(self) -> "DealQuerySet":
        return self.filter(type__in=TRADES)

    def operations(self) -> "DealQuerySet":
        """What moved money and belongs to no position: deposits, withdrawals, fees of the account,
        interest, credit."""
        return self.exclude(type__in=TRADES).exclude(type__in=COSTS, position_id__isnull=False)

    def of_positions(self) -> "DealQuerySet":
        """Trades, and what was charged or paid for a position by a deal of another type."""
        return self.filter(position_id__isnull=False, type__in=(*TRADES, *COSTS))

    def account_costs(self) -> "DealQuerySet":
        """Charged or paid for no position: in the net of no trade."""
        return self.filter(position_id=None, type__in=COSTS)

    def of_balance(self) -> "DealQuerySet":
        """All whose money is in the balance: credit is not."""
        return self.exclude(type=CREDIT)


class Deal(models.Model):
    """One deal, as an agent of contract 2 told it. The words are MT5's, without their prefix."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="deals")
    ticket = models.BigIntegerField()
    order = models.BigIntegerField(null=True)
    position_id = models.BigIntegerField(null=True)
    entry = models.CharField(max_length=WORD, help_text="IN, OUT, INOUT or OUT_BY")
    type = models.CharField(max_length=WORD, help_text="BUY, SELL, BALANCE and so on")
    reason = models.CharField(max_length=WORD, blank=True)
    symbol = models.CharField(max_length=32, blank=True)
    volume = models.DecimalField(**VOLUME, help_text="lots")
    price = models.DecimalField(**PRICE)
    profit = MoneyField(**MONEY)
    swap = MoneyField(**MONEY, null=True)
    commission = MoneyField(**MONEY, null=True)
    fee = MoneyField(**MONEY, null=True)
    comment = models.CharField(max_length=64, blank=True)
    magic = models.BigIntegerField(null=True)
    at = models.DateTimeField(null=True, help_text="UTC; empty: the agent could not tell")
    at_uncertain = models.BooleanField(
        default=False, help_text="how far the broker's clock was from UTC is not proven"
    )
    broker_time_msc = models.BigIntegerField(null=True, help_text="as the broker's clock said it")

    objects: ClassVar[models.Manager["Deal"]] = DealQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-ticket"]
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["account", "ticket"], name="one_row_a_deal")]
        indexes = [
            models.Index(fields=["account", "position_id"], name="deals_of_a_position"),
            models.Index(fields=["account", "at"], name="deals_of_an_account"),
        ]

    def __str__(self) -> str:
        return f"{self.entry} {self.type} #{self.ticket}"

    @property
    def net(self) -> Decimal:
        """What it did to the balance, as far as it is told."""
        return self.profit + (self.swap or 0) + (self.commission or 0) + (self.fee or 0)


class ClosedTrade(models.Model):
    """One position that was closed, wholly or in part: the sums over all its deals until now.

    A position that is part-closed has a row as well, with `is_open` set: its figures are what has
    been realised, the whole commission of the opening included, and grow with every further close.
    A position of which nothing was closed has none. Deposits and the like are no trades: they are
    `Deal` rows of another type. Contract 1 tells neither swap nor fee nor a known time.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="closed_trades")
    position_id = models.BigIntegerField("position")
    contract = models.CharField(
        max_length=1, choices=Agent.Contract.choices, help_text="that told it"
    )
    symbol = models.CharField(max_length=32)
    side = models.CharField(
        max_length=4, choices=Position.Side.choices, help_text="of the position when it was opened"
    )
    volume_opened = models.DecimalField(**VOLUME, null=True, help_text="lots; empty: not known")
    volume_closed = models.DecimalField(**VOLUME, help_text="lots")
    is_open = models.BooleanField(default=False, help_text="a part of it is still open")
    # Averages, weighted by volume.
    entry_price = models.DecimalField(**PRICE, null=True)
    exit_price = models.DecimalField(**PRICE)
    opened_at = models.DateTimeField(null=True, help_text="first opening; UTC")
    closed_at = models.DateTimeField(null=True, help_text="last close until now; UTC")
    times_uncertain = models.BooleanField(
        default=False, help_text="how far the broker's clock was from UTC is not proven"
    )
    opened_told = models.CharField(
        max_length=TOLD_TIME, blank=True, help_text="by the terminal's clock, zone not known"
    )
    closed_told = models.CharField(
        max_length=TOLD_TIME, blank=True, help_text="by the terminal's clock, zone not known"
    )
    closed_at_or_guess = models.DateTimeField(
        null=True,
        help_text="closed_at; where that is not known, what was told, read as if it were UTC: "
        "for sorting and days, and wrong by the clock's distance to UTC",
    )
    # With what deals of other types charged for the position: commissions in commission, all else
    # (tax, interest, dividends) in fee.
    profit = MoneyField(**MONEY)
    swap = MoneyField(**MONEY, null=True)
    commission = MoneyField(**MONEY, null=True)
    fee = MoneyField(**MONEY, null=True)
    net = MoneyField(**MONEY, help_text="profit, swap, commission, fee, as far as told")
    reason = models.CharField(
        max_length=WORD, blank=True, help_text="of the last close: SL, TP, CLIENT, EXPERT..."
    )
    pips = models.DecimalField(
        max_digits=20, decimal_places=8, null=True, help_text="only as told, with contract 1"
    )
    tp_money = MoneyField(**MONEY, null=True, help_text="profit, if its TP ended it")
    sl_money = MoneyField(**MONEY, null=True, help_text="profit, if its SL ended it")
    changed_at = models.DateTimeField(help_text="when this row was last written")

    objects: ClassVar[models.Manager["ClosedTrade"]]

    class Meta:
        ordering = [models.F("closed_at_or_guess").desc(nulls_last=True), "-position_id"]
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["account", "position_id"], name="one_row_a_closed_position"
            )
        ]
        indexes = [
            models.Index(fields=["account", "-closed_at_or_guess"], name="trades_of_an_account")
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.volume_closed.normalize():f} {self.symbol} #{self.position_id}"

    @property
    def costs(self) -> Decimal | None:
        """Commission and fee together; None when neither is told."""
        if self.commission is None and self.fee is None:
            return None
        return (self.commission or Decimal(0)) + (self.fee or Decimal(0))


class HistorySync(models.Model):
    """How far the history of an account has been read, and how the last attempt went."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="history_sync")
    contract = models.CharField(max_length=1, choices=Agent.Contract.choices, blank=True)
    read_until = models.DateTimeField(
        null=True, help_text="all that the agent tells from before this is in our rows"
    )
    whole_at = models.DateTimeField(null=True, help_text="when all of it was last read at once")
    attempted_at = models.DateTimeField(null=True)
    synced_at = models.DateTimeField(null=True, help_text="last success")
    failing_since = models.DateTimeField(null=True)
    reason = models.CharField(max_length=300, blank=True, help_text="of the last failure")
    unreadable = models.CharField(
        max_length=300, blank=True, help_text="rows that could not be read; until all of them can"
    )
    # What the account showed when the last sync began: it is due when it shows something else.
    balance = MoneyField(**MONEY, null=True)
    open_positions = models.PositiveIntegerField(null=True)
    unexplained = MoneyField(
        **MONEY,
        null=True,
        help_text="of the balance, by what was read; empty: it cannot be checked",
    )
    incomplete_since = models.DateTimeField(
        null=True, help_text="since when the unexplained amount is what it is"
    )
    again_at = models.DateTimeField(null=True, help_text="when all of it is read again")
    claimed_until = models.DateTimeField(null=True, help_text="one worker reads it until then")

    objects: ClassVar[models.Manager["HistorySync"]]

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"History of {self.account_id}"

    @property
    def is_complete(self) -> bool | None:
        """Whether what was read explains the balance; None: not read yet, or not to be checked."""
        if self.synced_at is None or self.unexplained is None:
            return None
        return not self.unexplained


class EquityPoint(models.Model):
    """What an account was worth from `at` until the next point. Without figures: not known from
    there on, because nothing fresh was read or nobody watched."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="equity_points")
    at = models.DateTimeField(help_text="UTC, a whole minute")
    quarter = models.BigIntegerField(help_text="quarter hours from 1970 until at", editable=False)
    balance = MoneyField(**MONEY, null=True)
    equity = MoneyField(**MONEY, null=True)

    objects: ClassVar[models.Manager["EquityPoint"]]

    class Meta:
        ordering = ["at"]
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["account", "at"], name="one_equity_point_a_minute")
        ]
        indexes = [models.Index(fields=["account", "quarter"], name="quarters_of_an_account")]

    def __str__(self) -> str:
        return f"{self.account_id} {self.at:%Y-%m-%d %H:%M} {self.equity}"

    @staticmethod
    def quarter_of(at: datetime) -> int:
        return int(at.timestamp()) // QUARTER_S


class EquityWatch(models.Model):
    """One row: when equity points were last looked for. After a pause nothing is known of it."""

    PK = 1

    seen_at = models.DateTimeField()

    objects: ClassVar[models.Manager["EquityWatch"]]

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=models.Q(pk=1), name="one_equity_watch")]

    def __str__(self) -> str:
        return f"Watched until {self.seen_at:%Y-%m-%d %H:%M}"
