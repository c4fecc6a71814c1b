"""The rows of the demo: its user, its agents and, once accounts are known, a desk's work.

Everything but to forget what the fleet told before is done once and never again, so that what
somebody changes in the demo stays. Needs a Django that is set up: see prepare.py.
"""

import logging
import os
import random
import re
import secrets
import time
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone

from accounts import approvals, edits
from accounts.live.publishing import publish_accounts
from accounts.models import Account, Agent, Firm, Phase
from mt5monitor.stack.fleet import HOST, Fleet, keep_fleet, read_fleet
from trading.models import ClosedTrade, Deal, HistorySync, TradingSwitch

log = logging.getLogger(__name__)

USER = "demo"
PASSWORD_LENGTH = 12  # as for everybody's: see settings.AUTH_PASSWORD_VALIDATORS
CHANGED_BY_SOMEBODY = "(as you changed it)"
OURS = re.compile(rf"http://{re.escape(HOST)}:\d+/agents/(\d+)")
ALL_SEEN_S, ANY_SEEN_S = 12.0, 40.0

BALANCES = [Decimal(amount) for amount in (5_000, 10_000, 25_000, 50_000, 100_000, 200_000)]
DRAWDOWNS = [Decimal(percent) for percent in (10, 8, 12, 6, 10)]
PHASES = {"F1": 50, "F2": 20, "R": 22, "Q": 8}  # of a hundred accounts
PAIRS = 6


# --- before anything is polled ----------------------------------------------------------------
def prepare_rows() -> None:
    """The user and the agents. Raises OSError when no demo was planned in this STATE_DIR, or the
    password is too short."""
    fleet = read_fleet(settings.STATE_DIR)
    if fleet is None:
        raise OSError(f"{settings.STATE_DIR} has no fleet.json: start the demo with `make demo`.")
    wanted = os.environ.get("DEMO_PASSWORD", "")
    if 0 < len(wanted) < PASSWORD_LENGTH:
        raise OSError(f"DEMO_PASSWORD needs {PASSWORD_LENGTH} characters or more.")
    keep_user(settings.STATE_DIR / "demo_password", wanted)
    with transaction.atomic():
        keep_agents(fleet)
        forget_histories()
        allow_trading()
        approve_agents()
    keep_fleet(settings.STATE_DIR, replace(fleet, rows=fleet.agents))


def keep_user(path: Path, wanted: str) -> None:
    """The demo's user, whose password is kept at `path`: `wanted`, else one made at first."""
    users = get_user_model()
    kept = path.read_text().strip() if path.exists() else ""
    user = users.objects.filter(username=USER).first()
    if user is None:
        password = wanted or kept.replace(CHANGED_BY_SOMEBODY, "") or secrets.token_urlsafe(12)
        users.objects.create_superuser(USER, "", password)
    elif wanted:
        password = wanted
        if not user.check_password(wanted):
            user.set_password(wanted)
            user.save(update_fields=["password"])
    else:
        password = kept if user.check_password(kept) else CHANGED_BY_SOMEBODY
    if password != kept:
        path.touch(mode=0o600)
        path.write_text(password)


def keep_agents(fleet: Fleet) -> None:
    """Rows for new agents, the fleet's port for the old ones, those that left it disabled.

    Only the agents by which the fleet grew or shrank since the last start are added, enabled or
    disabled: a row that somebody deleted or disabled stays so.
    """
    rows = {int(match[1]): a for a in Agent.objects.all() if (match := OURS.fullmatch(a.url))}
    known = fleet.rows if rows else 0
    for index in range(known + 1, fleet.agents + 1):
        if index not in rows:
            _add(fleet, index)
    for index, agent in rows.items():
        columns: dict[str, Any] = {}
        if agent.url != fleet.url(index):
            columns["url"] = fleet.url(index)
        if known < index <= fleet.agents:
            columns["enabled"] = True
        elif fleet.agents < index <= known:
            columns["enabled"] = False
        if columns:
            agent.save_changed(**columns)
    # What was read before the stop is old: read everything again at once.
    Agent.objects.filter(pk__in=[a.pk for a in rows.values()]).update(next_poll_at=timezone.now())


def _add(fleet: Fleet, index: int) -> None:
    name = f"vps-{index:02}"
    if Agent.objects.filter(name=name).exists():
        name = f"demo-{name}"
    agent = Agent(
        name=name, url=fleet.url(index), contract=fleet.contract(index), trading_enabled=True
    )
    agent.set_secret(fleet.secret(index))
    agent.save()


def forget_histories() -> None:
    """Of the fleet's accounts, which are read anew: each start of the fleet tells another story of
    the hours before it, and the deals of two stories make no balance."""
    for model in (ClosedTrade, Deal, HistorySync):
        model._default_manager.filter(account__agent__in=_ours()).delete()


def _ours() -> list[int]:
    return [agent.pk for agent in Agent.objects.all() if OURS.fullmatch(agent.url)]


def allow_trading() -> None:
    """On, once: a switch that somebody has turned stays as they left it."""
    switch = TradingSwitch.objects.get_or_create(pk=TradingSwitch.PK)[0]
    if switch.is_on or switch.changed_by:
        return
    switch.is_on, switch.instance = True, settings.INSTANCE_ID
    switch.changed_by, switch.reason = "the demo", "No money is traded here."
    switch.changed_at = timezone.now()
    switch.save(update_fields=["is_on", "instance", "changed_by", "reason", "changed_at"])
    Agent.objects.filter(pk__in=_ours()).update(trading_enabled=True)


def approve_agents() -> None:
    """Those through which trading is on, where this start of the fleet answers."""
    approvals.approve_as(Agent.objects.filter(pk__in=_ours(), trading_enabled=True), "the demo")


# --- once the agents have told their accounts -------------------------------------------------
def dress(since: float) -> bool:
    """Wait for figures read after `since`, unix seconds; False when none came in time."""
    if not _figures_came(datetime.fromtimestamp(since, UTC)):
        return False
    marker = settings.STATE_DIR / "demo_dressed"
    if not marker.exists():
        with transaction.atomic():
            _dress(random.Random(1))  # noqa: S311
        marker.touch()
    return True


def _figures_came(since: datetime) -> bool:
    started = time.monotonic()
    agents = Agent.objects.filter(enabled=True)
    while (waited := time.monotonic() - started) < ANY_SEEN_S:
        seen = agents.filter(last_seen_at__gte=since, accounts__isnull=False).distinct().count()
        if seen and (seen >= agents.count() or waited > ALL_SEEN_S):
            return True
        time.sleep(0.2)
    return False


def _dress(rng: random.Random) -> None:
    """What a desk would have entered by hand: firms and their limits, phases, VS groups."""
    accounts = list(Account.objects.filter(agent__isnull=False).order_by("number"))
    _complete(accounts)
    for firm, percent in zip(Firm.objects.order_by("name"), DRAWDOWNS * 10, strict=False):
        if firm.max_drawdown_pct is None:
            firm.max_drawdown_pct = percent
            firm.save(update_fields=["max_drawdown_pct"])
    phases = {phase.name: phase for phase in Phase.objects.filter(name__in=PHASES)}
    drawn = rng.choices(list(PHASES), list(PHASES.values()), k=len(accounts))
    for name, phase in phases.items():
        edits.set_phase([a for a, at in zip(accounts, drawn, strict=True) if at == name], phase)
    free = [a for a, at in zip(accounts, drawn, strict=True) if at in ("F2", "R")]
    for first, second in list(zip(free[::2], free[1::2], strict=False))[:PAIRS]:
        edits.pair(first, second)
    publish_accounts([account.number for account in accounts])


def _complete(accounts: list[Account]) -> None:
    """Holder, firm and initial balance of those whose agents speak contract 2, which has none."""
    firms = {firm.name.split()[0]: firm for firm in Firm.objects.all()}
    for account in accounts:
        word = account.company.split()[0] if account.company else ""
        if account.firm is None and word:
            if word not in firms:
                firms[word] = Firm.objects.create(name=account.company[:80])
            account.firm = firms[word]
        if account.initial_balance is None and account.balance:
            account.initial_balance = min(BALANCES, key=lambda size: _distance(size, account))
        account.holder = account.holder or account.name[:80]
        account.save(update_fields=["holder", "firm", "initial_balance"])


def _distance(size: Decimal, account: Account) -> Decimal:
    return abs(size - (account.balance or Decimal(0))) / size
