"""Writing a plan: all of it in one transaction, or nothing."""

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone
from simple_history.utils import bulk_create_with_history

from accounts import edits
from accounts.live.publishing import publish_accounts, publish_agents
from accounts.models import Account, Agent, Phase, VSGroup
from mt5monitor.database import unhurried
from trading.models import Versus
from trading.original.plan import NewVersus, Plan
from trading.original.strict import REASON, Stopped
from trading.original.trades import store
from trading.original.versus import ID, STEP, taken_before
from trading.versus.changes import append
from trading.versus.states import State

AGAIN = "Run it again; nothing was written."


def apply(plan: Plan, user: User | None) -> None:
    """Raises Stopped when somebody changed meanwhile what the plan was made by."""
    try:
        with unhurried(), transaction.atomic():
            _Writing(plan, user).write()
    except (IntegrityError, ValidationError) as error:
        raise Stopped(f"Somebody else wrote the same rows just now. {AGAIN}") from error


class _Writing:
    def __init__(self, plan: Plan, user: User | None) -> None:
        self._plan, self._user = plan, user
        self._rows: dict[int, Account] = {}

    def write(self) -> None:
        self._add_agents()
        self._add_accounts()
        self._rows = self._locked()
        self._set_phases()
        self._set_groups()
        self._add_versus()
        for number, trades in self._plan.trades.items():
            if trades:
                store(self._rows[number], trades)

    def _add_agents(self) -> None:
        self._create(Agent, self._plan.agents)
        publish_agents([agent.pk for agent in self._plan.agents])

    def _add_accounts(self) -> None:
        now = timezone.now()
        for account in self._plan.accounts.values():
            account.edited_at = now
        self._create(Account, list(self._plan.accounts.values()))
        publish_accounts(self._plan.accounts, added=True)

    def _create(self, model: type[Account | Agent], rows: list[Account] | list[Agent]) -> None:
        if rows:
            told = {"default_user": self._user, "default_change_reason": REASON}
            bulk_create_with_history(rows, model, **told)

    def _locked(self) -> dict[int, Account]:
        """Every account that the plan is about, as it is now, and stays until we are done."""
        plan = self._plan
        numbers = {*plan.accounts, *plan.trades}
        numbers |= {edit.number for edit in plan.phases} | {edit.number for edit in plan.groups}
        for new in plan.versus:
            numbers |= {new.versus.login_a, new.versus.login_b}
        rows = Account.objects.select_for_update(of=("self",)).select_related("vs_group")
        found = {row.number: row for row in rows.filter(number__in=numbers).order_by("pk")}
        if missing := numbers - set(found):
            raise Stopped(f"Somebody deleted account {min(missing)} just now. {AGAIN}")
        for account in found.values():
            account._change_reason = REASON  # type: ignore[attr-defined]
            if self._user is not None:
                account._history_user = self._user  # type: ignore[attr-defined]
        return found

    def _set_phases(self) -> None:
        of_phase: dict[Phase, list[Account]] = defaultdict(list)
        for edit in self._plan.phases:
            account = self._rows[edit.number]
            self._check(account, account.phase_id, edit.before)
            of_phase[edit.phase].append(account)
        for phase, accounts in of_phase.items():
            edits.set_phase(accounts, phase)

    def _set_groups(self) -> None:
        for edit in self._plan.groups:
            account = self._rows[edit.number]
            self._check(account, account.vs_group_id, edit.before)
            self._make_group(edit.name)
            edits.set_vs_group(account, edit.name)

    def _make_group(self, name: str) -> None:
        if not VSGroup.objects.filter(name=name).exists():
            group = VSGroup(name=name)
            group._change_reason = REASON  # type: ignore[attr-defined]
            group._history_user = self._user  # type: ignore[attr-defined]
            group.save(force_insert=True)

    def _check(self, account: Account, now: int | None, before: int | None) -> None:
        if now != before:
            raise Stopped(f"Somebody edited account {account.number} just now. {AGAIN}")

    def _add_versus(self) -> None:
        taken = taken_before() if self._plan.versus else {}
        busy = set(_numbers_of(Versus.objects.open()))
        for new in self._plan.versus:
            numbers = {new.versus.login_a, new.versus.login_b}
            if new.original in taken or numbers & busy:
                raise Stopped(f"An account of versus {new.original} was taken just now. {AGAIN}")
            self._add_one(new)

    def _add_one(self, new: NewVersus) -> None:
        versus, now = new.versus, timezone.now()
        versus.account_a, versus.account_b = (
            self._rows[number] for number in (versus.login_a, versus.login_b)
        )
        versus.created_at = versus.since = now
        versus.save(force_insert=True)
        lots, side = f"{versus.lots.normalize():f}", versus.side_a.lower()
        text = f"Taken over: {lots} lots, A keeps the {side}."
        append(versus, text, state=State.PENDING, actor=versus.creator)
        told = f"From the original, where it was {new.original}"
        told += f": {new.told}." if new.told else "."
        append(versus, told, step=STEP, actor=versus.creator, data={ID: new.original})
        publish_accounts([versus.login_a, versus.login_b], added=True)


def _numbers_of(versus: Iterable[Versus]) -> Iterable[int]:
    for one in versus:
        yield from (one.login_a, one.login_b)
