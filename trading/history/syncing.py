"""Keeping the rows of history up with what agents tell, on demand and in the background.

    sync(account) -> claim -> read from where we are, window by window -> rows.keep_* -> Outcome

`HistorySync.read_until` moves after each window, in the transaction that keeps it: one that is cut
short goes on from there, and one that is done twice, or by two at once, changes nothing.
"""

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import takewhile

from django.utils import timezone

from accounts import quotas
from accounts.agents import AgentError, ClosedPosition, DealsReading
from accounts.agents.listed import complaint
from accounts.models import Account, Agent
from accounts.models.money import trimmed
from mt5monitor.clock import is_ahead
from mt5monitor.database import each, reconnect
from trading.history import reading, rows, trades, worth
from trading.history.claims import EVERY, claim, due
from trading.models import ClosedTrade, Deal, HistorySync

log = logging.getLogger(__name__)

DEADLINE_S = 60.0
LOOK_AGAIN_S = 0.2
WHOLE_EVERY = timedelta(days=1)
SOON = timedelta(minutes=1)
AT_ONCE = 50
BUDGET_S = 20.0


@dataclass(frozen=True)
class Outcome:
    """How one sync went. With `ok`, all that the agent tells is in the rows."""

    number: int
    ok: bool
    sentence: str
    deals: int = 0
    """That were new or had changed; 0 with contract 1, which tells none."""
    trades: int = 0
    """Closed positions that were new or had changed."""
    lacking: str = ""
    """What does not add up, in a sentence; empty where all does, or it cannot be checked."""

    @property
    def words(self) -> str:
        return f"{self.sentence} {self.lacking}".strip()


class Late(Exception):
    """The deadline has passed; what was read until then is kept."""


def sync(account: Account, *, whole: bool = False, deadline_s: float = DEADLINE_S) -> Outcome:
    """Reads what is new, or all of it anew when `whole`; returns when it is kept, or did not work.

    Blocks for `deadline_s` and one request at most; waits for another who is reading the same
    account. Raises nothing of the agent's: a failure is an outcome, and kept with its time.
    """
    ends_at = time.monotonic() + deadline_s
    while (mine := claim(account, timezone.now(), deadline_s)) is None:
        if time.monotonic() > ends_at:
            return Outcome(account.number, False, "Its history is being read already.")
        time.sleep(LOOK_AGAIN_S)
    return _Sync(account, mine, whole, ends_at).run()


def sync_if_due(account: Account, *, deadline_s: float = DEADLINE_S) -> Outcome | None:
    """The same when its rows may be behind what its agent would tell; None when it is not due."""
    if not due(timezone.now()).filter(pk=account.pk).exists():
        return None
    return sync(account, deadline_s=deadline_s)


def sync_due(budget_s: float = BUDGET_S) -> int:
    """Those that are due, one after the other, for so long; returns how many were read."""
    ends_at = time.monotonic() + budget_s
    in_time = takewhile(lambda _: time.monotonic() <= ends_at, due(timezone.now())[:AT_ONCE])
    return each(in_time, _sync_one, log, "The history of account %s could not be read")


def _sync_one(account: Account) -> bool:
    claimed = claim(account, timezone.now(), DEADLINE_S)
    if claimed is not None:
        _Sync(account, claimed, False, time.monotonic() + DEADLINE_S).run()
    return claimed is not None


class _Sync:
    def __init__(self, account: Account, claim: datetime, whole: bool, ends_at: float) -> None:
        self.account, self.claim, self.ends_at = account, claim, ends_at
        self.now = timezone.now()
        # What it showed before anything is read: a trade that comes meanwhile makes it due again.
        self.seen = Account.objects.values("balance", "open_positions").get(pk=account.pk)
        self.row = HistorySync.objects.get(account=account)
        self.contract = account.agent.contract if account.agent else ""
        self.whole = whole or self._must_be_whole()
        self.deals = self.trades = 0
        self.note = self.unreadable = ""
        self.unexplained: Decimal | None = None

    def _must_be_whole(self) -> bool:
        """Also soon where what was told does not explain the balance, for a terminal that has just
        started may not have loaded all of its deals yet; and once a day with contract 1, which may
        leave trades out, and where times are not certain."""
        again_at = self.row.again_at
        if again_at and (again_at <= self.now or is_ahead(again_at - EVERY, self.now)):
            return True
        if self.row.read_until is None or self.row.contract != self.contract:
            return True
        whole_at = self.row.whole_at
        is_old = whole_at is None or whole_at < self.now - WHOLE_EVERY
        is_old = is_old or is_ahead(whole_at, self.now)
        if self.contract == Agent.Contract.V1 or not is_old:
            return is_old
        # One that was cut short goes on first.
        deals = Deal.objects.filter(account=self.account)
        return self.row.synced_at is not None and deals.filter(at_uncertain=True).exists()

    def run(self) -> Outcome:
        try:
            self._start()
            self._read()
        except Late:
            if self.row.again_at is not None:
                self._update(again_at=self.now + EVERY)
            return self._ended(False, "It took too long; what was read is kept, the rest follows.")
        except rows.QuotaReached as reached:
            return self._held_back(reached)
        except (AgentError, TimeoutError) as error:
            return self._failed(getattr(error, "sentence", "The agent did not answer in time."))
        except Exception:
            log.exception("The history of %s could not be kept", self.account.number)
            reconnect()
            return self._failed("The history could not be kept: see the log of the monitor.")
        self._update(
            synced_at=timezone.now(), failing_since=None, reason=self.note, **self.seen,
            unreadable=self._unreadable_until_now(), **self._checked(),
            **({"whole_at": self.now} if self.whole else {}),
        )  # fmt: skip
        return self._ended(True, self._words())

    def _checked(self) -> dict[str, object]:
        """What of the balance is not explained and, when something is, when to read all again:
        after as long as it has been so already, up to an hour."""
        self.account.refresh_from_db(fields=["balance", "initial_balance"])
        self.unexplained = worth.unexplained(self.account)
        if not self.unexplained:
            return {"unexplained": self.unexplained, "incomplete_since": None, "again_at": None}
        since = self.row.incomplete_since
        if since is None or self.row.unexplained != self.unexplained:
            since = self.now
        again_at = self.now + min(max(self.now - since, SOON), EVERY)
        return {"unexplained": self.unexplained, "incomplete_since": since, "again_at": again_at}

    def _start(self) -> None:
        """Told by another contract than before, it is read from the beginning."""
        if self.account.agent is None or not self.account.agent.enabled:
            raise AgentError("No agent that is enabled reports this account.")
        if self.row.contract != self.contract:
            self.row.read_until = None
            self._update(contract=self.contract, read_until=None)

    def _read(self) -> None:
        if self.contract == Agent.Contract.V1:
            self._read_closed()
        else:
            self._read_deals()

    def _read_deals(self) -> None:
        since, reached = self._since(), self.row.read_until
        for told, until in reading.deals(self.account, since, self.now + reading.MARGIN):
            reached = max(filter(None, (reached, min(until, self.now))))
            self._note_unreadable(told)
            deals, changed = rows.keep_deals(self.account, told.deals, reached)
            self.deals, self.trades = self.deals + deals, self.trades + changed
            if time.monotonic() > self.ends_at and until < self.now:
                raise Late

    def _note_unreadable(self, told: DealsReading) -> None:
        what = "closed trade" if self.contract == Agent.Contract.V1 else "deal"
        self.unreadable = self.unreadable or complaint(told.unreadable, what)

    def _unreadable_until_now(self) -> str:
        """What an earlier reading could not read is still missing, until all is read again."""
        return self.unreadable or ("" if self.whole else self.row.unreadable)

    def _since(self) -> datetime:
        last = self.row.read_until
        return reading.BEGINNING if self.whole or last is None else last - reading.MARGIN

    def _read_closed(self) -> None:
        told: tuple[ClosedPosition, ...] = ()
        is_all = True
        if not self.whole:
            latest = reading.closed(self.account, self._since())
            told = latest.closed
            self._note_unreadable(latest)
            self.whole = not self._stands_alone(told)
        if self.whole:
            answer, is_all = reading.all_closed(self.account, self.now)
            told = answer.closed
            self._note_unreadable(answer)
        if not is_all:
            self.note = (
                "Its history is longer than its agent can tell at once: the rest is missing."
            )
        self.trades = rows.keep_closed(self.account, told, self.now)

    def _stands_alone(self, told: tuple[ClosedPosition, ...]) -> bool:
        """Whether an answer about the last weeks can be believed: none of its positions was opened
        before, none is told otherwise than it is known, and one is new if the balance is."""
        numbers = [position.position_id for position in told]
        known = ClosedTrade.objects.filter(account=self.account, position_id__in=numbers)
        net_of = {row.position_id: (row.volume_closed, row.net) for row in known}
        if self._has_closed() and not set(numbers) - set(net_of):
            return False
        return all(
            position.entry_price is not None
            and net_of.get(position.position_id, trades.sums(position)) == trades.sums(position)
            for position in told
        )

    def _has_closed(self) -> bool:
        """Whether the balance is another than at the last reading, with no more positions open."""
        before, balance = self.row, self.seen["balance"]
        if before.balance is None or balance in (None, before.balance):
            return False
        return (self.seen["open_positions"] or 0) <= (before.open_positions or 0)

    def _words(self) -> str:
        note = f"{self.note} {self.unreadable}".strip()
        if not self.deals and not self.trades:
            return f"Nothing new. {note}".strip()
        deals = f"{self.deals} deal{'' if self.deals == 1 else 's'}, " if self.deals else ""
        trades = f"{self.trades} closed trade{'' if self.trades == 1 else 's'}"
        return f"New or changed: {deals}{trades}. {note}".strip()

    def _held_back(self, reached: rows.QuotaReached) -> Outcome:
        """The rest follows as the quota refills; the agent shows why. Until then what was found
        complete before is held against the balance with the rows that there are now."""
        self.deals, self.trades = self.deals + reached.deals, self.trades + reached.trades
        self.account.refresh_from_db(fields=["balance", "initial_balance"])
        self._update(unexplained=worth.unexplained(self.account))
        if self.account.agent is not None:
            quotas.alarm(self.account.agent, quotas.Kind.HISTORY, timezone.now())
        return self._failed(quotas.sentence(quotas.Kind.HISTORY))

    def _failed(self, sentence: str) -> Outcome:
        since = self.row.failing_since or self.now
        self._update(failing_since=since, reason=sentence[:300])
        return self._ended(False, sentence)

    def _ended(self, ok: bool, sentence: str) -> Outcome:
        mine = HistorySync.objects.filter(pk=self.row.pk, claimed_until=self.claim)
        mine.update(claimed_until=None)
        lacking = ""
        if self.unexplained:
            lacking = f"{trimmed(self.unexplained):,f} of the balance is not explained."
        return Outcome(self.account.number, ok, sentence, self.deals, self.trades, lacking)

    def _update(self, **columns: object) -> None:
        HistorySync.objects.filter(pk=self.row.pk).update(attempted_at=timezone.now(), **columns)
