"""What a batch of replies changes, worked out column by column without touching the database."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from msgspec import structs

from accounts.agents import AccountReading, AgentError, PositionReading, Reading
from accounts.changes import differing
from accounts.models import Account, Agent, Conflict, Position
from accounts.models.position import POLLED as POSITION_COLUMNS
from accounts.models.urgency import Urgency
from accounts.nearness import Moved, movement, watched
from accounts.ownership import Claims, sort_claims
from accounts.results import Result
from accounts.snapshot import Snapshot
from accounts.writes import Writes

SHOWN_ROWS = 100  # of those that could not be read: they are counted all the same


class Plan:
    def __init__(self, snapshot: Snapshot, now: datetime) -> None:
        self._snapshot = snapshot
        self._now = now
        self.writes = Writes()
        self.unchanged_agents: set[int] = set()
        self.changed_agents: set[int] = set()
        self.agents_of_changed_accounts: set[int] = set()
        self.changed_numbers: set[int] = set()
        self.added_numbers: set[int] = set()
        self.chosen: list[tuple[Agent, Urgency, timedelta]] = []  # intervals that are new
        self.turned: list[tuple[Agent, dict[str, Any]]] = []  # agents with another status now

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
        if columns or agent.is_ahead(self._now):
            self.changed_agents.add(agent.pk)
        elif agent.pk not in self.agents_of_changed_accounts | self.changed_agents:
            self.unchanged_agents.add(agent.pk)
            return
        # Together with the figures, so that a reading that began before this one cannot undo them.
        self._write(agent, {**columns, "last_seen_at": result.finished_at})
        self._note(agent, columns)
        if "status" in columns or "status_reason" in columns:
            self._show_accounts_of(agent)

    def _agent_columns(
        self, agent: Agent, result: Result, claims: Claims, own: list[Account]
    ) -> dict[str, Any]:
        columns = self._online_columns(agent, claims)
        if result.recovered:
            columns["recovered_at"] = result.finished_at
        etag = result.reading.etag or "" if result.reading else agent.etag
        # With a dispute, or when its account was deleted here, the next answer must come whole: it
        # would never be seen settled, nor would the account come back.
        columns |= differing(agent, {"etag": etag if own and not claims.disputed else ""})
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
        if claims.disputed:
            number, (kind, server) = next(iter(claims.disputed.items()))
            code = kind.value
            reason = Conflict(agent=agent, number=number, kind=kind, server=server).sentence
            reason = f"{reason}. Settle it under Conflicts in the admin."
        lost = bool(claims.disputed) and not (claims.own or claims.adopted or claims.new)
        status = Agent.Status.ERROR if lost else Agent.Status.ONLINE
        columns = _status(agent, status, code, reason, self._now)
        return columns | differing(agent, {"failures": 0})

    def _write(self, agent: Agent, columns: dict[str, Any]) -> None:
        self.writes.agents[agent.pk] = columns
        self.writes.heard[agent.pk] = agent.last_seen_at

    def _note(self, agent: Agent, columns: dict[str, Any]) -> None:
        if "status" in columns:
            self.turned.append((agent, columns))

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
            self._change(agent, account, differing(account, {"connected": False}))
        self._settle_conflicts(agent, claims)

    def _update(
        self, agent: Agent, account: Account, reading: AccountReading, extra: dict[str, Any]
    ) -> None:
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
        self.writes.owners[account.pk] = account.agent_id
        for name, value in columns.items():
            setattr(account, name, value)  # urgency is judged by the new figures
        self.writes.accounts[account.pk] = columns
        self.changed_numbers.add(account.number)
        self.agents_of_changed_accounts.add(agent.pk)

    def _create(self, agent: Agent, reading: AccountReading) -> None:
        account = Account(
            number=reading.number,
            agent=agent,
            changed_at=self._now,
            **account_columns(reading),
        )
        self.writes.seeds.fill_new(account, agent, reading)
        self.writes.new_accounts.append(account)
        self.writes.new_positions += [_position(account, told) for told in reading.positions or ()]
        self._snapshot.of_agent[agent.pk].append(account)
        same_number = self._snapshot.accounts[reading.number]
        self.writes.beside.update(one.pk for one in same_number if one.pk is not None)
        same_number.append(account)  # the next agent does not take it
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
                self.writes.new_positions.append(_position(account, told))
                moved = True
            elif columns := differing(row, _position_columns(told) | {"movement": moves}):
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
        self.writes.gone_conflicts += gone
        self.writes.new_conflicts += new
        if gone or new:
            self.changed_agents.add(agent.pk)
            self.changed_numbers.update(set(known) | set(claims.disputed))


def at_its_server(agent: Agent, reading: Reading) -> Reading:
    """With the server that a person entered on the agent, where the agent reports none."""
    if not agent.server or all(account.server for account in reading.accounts):
        return reading
    accounts = (structs.replace(one, server=one.server or agent.server) for one in reading.accounts)
    return structs.replace(reading, accounts=tuple(accounts))


def account_columns(reading: AccountReading) -> dict[str, Any]:
    """The polled columns that a reading gives, by the names of Account.POLLED; a server that is
    known stays when the agent reports none."""
    positions = reading.positions
    return ({"server": reading.server} if reading.server else {}) | {
        "name": reading.name,
        "company": reading.company,
        "currency": reading.currency,
        "currency_digits": reading.currency_digits,
        "connected": reading.connected,
        "balance": reading.balance,
        "credit": reading.credit,
        "equity": reading.equity,
        "floating": reading.floating,
        "margin": reading.margin,
        "margin_free": reading.margin_free,
        "leverage": reading.leverage,
        "margin_mode": reading.margin_mode,
        "trade_allowed": reading.trade_allowed,
        "days_operating": reading.days_operating,
        "open_positions": None if positions is None else len(positions) + len(reading.unreadable),
        "positions_error": reading.positions_error,
        "unreadable_positions": [structs.asdict(one) for one in reading.unreadable[:SHOWN_ROWS]],
    }


def _position_columns(told: PositionReading) -> dict[str, Any]:
    return {name: getattr(told, name) for name in POSITION_COLUMNS}


def _position(account: Account, told: PositionReading) -> Position:
    return Position(account=account, ticket=told.ticket, **_position_columns(told))


def _status(agent: Agent, status: str, code: str, reason: str, now: datetime) -> dict[str, Any]:
    """The status columns that differ; `since` moves only when the status itself does."""
    columns = differing(agent, {"status": status, "status_code": code, "status_reason": reason})
    return columns | {"status_since": now} if "status" in columns else columns
