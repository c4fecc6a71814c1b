"""What a batch of replies changes, worked out column by column without touching the database, but
to read the quotas of its agents where they add something."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from msgspec import structs

from accounts import quotas
from accounts.agents import AccountReading, AgentError
from accounts.changes import differing
from accounts.models import Account, Agent, Conflict
from accounts.models.urgency import Urgency
from accounts.polling.nearness import Moved, movement, watched
from accounts.polling.ownership import Claims, sort_claims
from accounts.polling.poll_result import Result
from accounts.polling.polled_columns import (
    account_columns,
    at_its_server,
    position,
    position_columns,
)
from accounts.polling.snapshot import Snapshot
from accounts.polling.writes import Writes

QUOTA_REACHED = "quota-reached"


class Plan:
    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self._snapshot = snapshot
        self._reached: dict[int, dict[str, Any]] = {}  # columns of an agent that reached a quota
        self._now = now
        self.writes = Writes(quotas=quotas.Ledger(snapshot.agents))
        self.unchanged_agents: set[int] = set()
        self.changed_agents: set[int] = set()
        self.agents_of_changed_accounts: set[int] = set()
        self.changed_numbers: set[int] = set()
        self.added_numbers: set[int] = set()
        self.chosen: list[tuple[Agent, Urgency, timedelta]] = []  # intervals that are new
        self.turned: list[tuple[Agent, dict[str, Any]]] = []  # agents with another status now
        self.alarms: list[tuple[Agent, str]] = []  # quotas that were reached just now

    # --- one reply ----------------------------------------------------------------------------
    def add(self, result: Result) -> None:
        agent = self._snapshot.agents.get(result.agent_id)
        if agent is None or agent.url != result.url:
            return  # deleted, or moved elsewhere, while it was asked
        if agent.has_newer_answer(result.started_at, self._now):
            return
        if result.is_unchanged and result.etag not in ("", agent.etag):
            return  # nothing changed since a state that is not the one of the rows any more
        if result.error is not None:
            self._fail(agent, result, result.error)
        else:
            self._succeed(agent, result)

    def _fail(self, agent: Agent, result: Result, error: AgentError) -> None:
        failures = agent.failures + 1
        columns = _status(agent, error.status, error.code, error.sentence, self._now)
        self._note(agent, columns)
        columns |= self._alarm_columns(agent)
        columns["failures"] = failures
        columns["next_poll_at"] = self._next_poll_after_failure(agent, failures, result)
        if result.recovered:
            columns["recovered_at"] = result.finished_at
        self._write(agent, columns)
        self.changed_agents.add(agent.pk)
        if "status" in columns or "status_reason" in columns:
            self._show_accounts_of(agent)

    def _next_poll_after_failure(self, agent: Agent, failures: int, result: Result) -> datetime:
        """At once when its terminal may be asked to reconnect now; else after the backoff."""
        asked_to_reconnect = result.finished_at if result.recovered else agent.recovered_at
        is_time = agent.recovery_is_due(asked_to_reconnect, self._now)
        if failures == settings.FAILURES_BEFORE_RECOVERY and is_time:
            return self._now
        return self._now + agent.backoff(failures)

    def _succeed(self, agent: Agent, result: Result) -> None:
        own = self._snapshot.of_agent.setdefault(agent.pk, [])  # _take adds to it
        claims = Claims()
        if result.reading is not None:
            reading = at_its_server(agent, result.reading)
            claims = sort_claims(agent, reading, own, self._snapshot.accounts)
            self._take(agent, claims)
        columns = self._agent_columns(agent, result, claims, own)
        self._note(agent, columns)
        columns |= self._alarm_columns(agent)
        if columns or agent.is_ahead(self._now):
            self.changed_agents.add(agent.pk)
        elif agent.pk not in self.agents_of_changed_accounts | self.changed_agents:
            self.unchanged_agents.add(agent.pk)
            return
        # Together with the figures, so that a reading that began before this one cannot undo them.
        self._write(agent, {**columns, "last_seen_at": result.finished_at})
        if "status" in columns or "status_reason" in columns:
            self._show_accounts_of(agent)

    def _agent_columns(
        self, agent: Agent, result: Result, claims: Claims, own: list[Account]
    ) -> dict[str, Any]:
        columns = self._online_columns(agent, claims)
        if result.recovered:
            columns["recovered_at"] = result.finished_at
        etag = result.reading.etag or "" if result.reading else agent.etag
        # With a dispute, where a quota held something back, or when its account was deleted here,
        # the next answer must come whole: it would never be seen settled, nor come back.
        whole = claims.disputed or agent.quota_alarm(self._now) or not own
        columns |= differing(agent, {"etag": "" if whole else etag})
        urgency = agent.most_urgent([account.urgency(self._now) for account in own])
        interval = agent.interval_for(urgency)
        columns |= differing(agent, {"urgency": urgency.level, "interval_reason": urgency.reason})
        if interval != agent.interval:
            columns |= {"interval": interval, "stale_after": agent.stale_after_for(interval)}
        if {"urgency", "interval"} & columns.keys():
            self.chosen.append((agent, urgency, interval))
        if "interval" in columns or agent.failures:
            columns["next_poll_at"] = self._now + interval
        return columns

    def _online_columns(self, agent: Agent, claims: Claims) -> dict[str, Any]:
        """Online, unless nothing that it reports is its own."""
        code = reason = ""
        if alarm := agent.quota_alarm(self._now):
            code, reason = QUOTA_REACHED, quotas.sentence(alarm)
        elif claims.disputed:
            number, (kind, server) = next(iter(claims.disputed.items()))
            code = kind.value
            reason = Conflict(agent=agent, number=number, kind=kind, server=server).sentence
            others = len(claims.disputed) + claims.unlisted - 1
            reason += f", and {others} more" if others else ""
            reason = f"{reason}. Settle it under Conflicts in the admin."
        lost = bool(claims.disputed) and not (claims.own or claims.adopted or claims.new)
        status = Agent.Status.ERROR if lost else Agent.Status.ONLINE
        columns = _status(agent, status, code, reason, self._now)
        return columns | differing(agent, {"failures": 0})

    def _write(self, agent: Agent, columns: dict[str, Any]) -> None:
        self.writes.agents[agent.pk] = columns
        self.writes.heard[agent.pk] = agent.last_seen_at

    def _note(self, agent: Agent, columns: dict[str, Any]) -> None:
        """For the operations log, which an agent that turns with each poll must not fill."""
        if "status" in columns and self._may_note(agent, 1):
            self.turned.append((agent, columns))

    def _may_note(self, agent: Agent, wanted: int) -> int:
        """How many notices of the agent can be kept; none are looked up for none."""
        if not wanted:
            return 0
        granted = self.writes.quotas.take(agent.pk, quotas.Kind.NOTICES, wanted, self._now)
        if granted < wanted:
            self._alarm(agent, quotas.Kind.NOTICES)
        return granted

    def _alarm(self, agent: Agent, kind: str) -> None:
        if agent.quota_alarm(self._now) != kind:
            self.alarms.append((agent, kind))
        columns = quotas.alarm_columns(agent, kind, self._now)
        self._reached.setdefault(agent.pk, {}).update(columns)
        for name, value in columns.items():
            setattr(agent, name, value)  # what is shown of it follows from them

    def _alarm_columns(self, agent: Agent) -> dict[str, Any]:
        return self._reached.pop(agent.pk, {})

    def _show_accounts_of(self, agent: Agent) -> None:
        own = self._snapshot.of_agent.get(agent.pk, [])
        self.changed_numbers.update(account.number for account in own)

    # --- one account --------------------------------------------------------------------------
    def _take(self, agent: Agent, claims: Claims) -> None:
        for account, reading in claims.own:
            self._update(agent, account, reading, {})
        for account, reading in claims.adopted:
            self._update(agent, account, reading, {"agent_id": agent.pk})
            self._snapshot.of_agent[agent.pk].append(account)
        for reading in claims.new:
            self._create(agent, reading)
        for account in claims.unreported if not claims.disputed else []:
            if account.agent_id == agent.pk:  # no other one of this batch has taken it
                self._change(agent, account, differing(account, {"connected": False}))
        self._settle_conflicts(agent, claims)

    def _update(
        self, agent: Agent, account: Account, reading: AccountReading, extra: dict[str, Any]
    ) -> None:
        reading = self._within_quota(agent, account, reading)
        positions = self._moved(account, reading)
        if positions is not None:
            extra = extra | {"watch": watched(positions, account.watch)}
        columns = differing(account, account_columns(reading) | extra)
        moved = self._positions_of(account, positions)
        if self.writes.seeds.fill(account, agent, reading):
            self.changed_numbers.add(account.number)
        if columns or moved:
            self._change(agent, account, columns | {"changed_at": self._now})

    def _change(self, agent: Agent, account: Account, columns: dict[str, Any]) -> None:
        if not columns:
            return
        self.writes.owners.setdefault(account.pk, account.agent_id)  # as it is in the database
        for name, value in columns.items():
            setattr(account, name, value)  # urgency is judged by the new figures
        self.writes.accounts[account.pk] = columns
        self.changed_numbers.add(account.number)
        self.agents_of_changed_accounts.add(agent.pk)

    def _within_quota(
        self, agent: Agent, account: Account | None, reading: AccountReading
    ) -> AccountReading:
        """With unknown positions, when more of them are new than the agent can have written."""
        rows = self._snapshot.positions.get(account.pk, {}) if account else {}
        new = sum(told.ticket not in rows for told in reading.positions or ())
        kind = quotas.Kind.POSITIONS
        if not new or self.writes.quotas.take_all(agent.pk, kind, new, self._now):
            return reading
        self._alarm(agent, kind)
        return structs.replace(
            reading, positions=None, unreadable=(), positions_error=quotas.sentence(kind)
        )

    def _create(self, agent: Agent, reading: AccountReading) -> None:
        reading = self._within_quota(agent, None, reading)
        account = Account(
            number=reading.number,
            agent=agent,
            changed_at=self._now,
            **account_columns(reading),
        )
        self.writes.seeds.fill_new(account, agent, reading)
        known = self._snapshot.accounts[reading.number]
        self.writes.namesakes |= {row.pk for row in known if row.pk is not None}
        self.writes.new_accounts.append(account)
        self.writes.new_positions += [position(account, told) for told in reading.positions or ()]
        self._snapshot.of_agent[agent.pk].append(account)
        known.append(account)  # the next agent does not take it
        self.added_numbers.add(reading.number)
        self.agents_of_changed_accounts.add(agent.pk)

    def _moved(self, account: Account, reading: AccountReading) -> list[Moved] | None:
        """The positions with the movement of their prices; None when they are unknown."""
        if reading.positions is None:
            return None
        rows = self._snapshot.positions.get(account.pk, {})
        return [
            Moved(told, movement(rows.get(told.ticket), told.current_price))
            for told in reading.positions
        ]

    def _positions_of(self, account: Account, positions: list[Moved] | None) -> bool:
        """Replaces the positions as a set; unknown ones are left as they are."""
        if positions is None:
            return False
        rows = dict(self._snapshot.positions.get(account.pk, {}))
        moved = False
        for told, moves in positions:
            row = rows.pop(told.ticket, None)
            if row is None:
                self.writes.new_positions.append(position(account, told))
                moved = True
            elif columns := differing(row, position_columns(told) | {"movement": moves}):
                self.writes.positions.append((row.pk, columns))
                moved = True
        self.writes.gone_positions += [row.pk for row in rows.values()]
        return moved or bool(rows)

    def _settle_conflicts(self, agent: Agent, claims: Claims) -> None:
        known = self._snapshot.conflicts.get(agent.pk, {})
        gone = [
            conflict.pk
            for number, conflict in known.items()
            if claims.disputed.get(number) != (conflict.kind, conflict.server)
        ]
        new = [
            Conflict(agent=agent, number=number, kind=kind, server=server, since=self._now)
            for number, (kind, server) in claims.disputed.items()
            if number not in known or (known[number].kind, known[number].server) != (kind, server)
        ]
        new = new[: self._may_note(agent, len(new))]
        self.writes.gone_conflicts += gone
        self.writes.new_conflicts += new
        if gone or new:
            self.changed_agents.add(agent.pk)
            self.changed_numbers.update(set(known) | set(claims.disputed))


def _status(agent: Agent, status: str, code: str, reason: str, now: datetime) -> dict[str, Any]:
    """The status columns that differ; `since` moves only when the status itself does."""
    columns = differing(agent, {"status": status, "status_code": code, "status_reason": reason})
    return columns | {"status_since": now} if "status" in columns else columns
