"""Settling conflicts: which agent an account belongs to is for a person to say."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils import timezone

from accounts.changes import lock_rows
from accounts.live.publishing import publish_accounts, publish_agents
from accounts.models import Account, Agent, Conflict, Phase
from accounts.polling import is_server


class Unsettled(Exception):
    """Why a conflict cannot be settled like this, and what to do instead."""


def account_of(conflict: Conflict) -> Account | None:
    """The row that the agent's report would be written to, should the account be given to it; None
    when it has none yet. Raises Unsettled when several may be meant."""
    rows = list(Account.objects.filter(number=conflict.number).order_by("pk"))
    exact = [row for row in rows if conflict.server and is_server(row, conflict.server)]
    possible = exact or [row for row in rows if not (row.server and conflict.server)]
    if len(possible) > 1:
        raise Unsettled(
            f"Several accounts have number {conflict.number}. Enter the server on agent "
            f"{conflict.agent}, or say that it is another account."
        )
    return possible[0] if possible else None


def settle_for(conflict: Conflict) -> list[int]:
    """Gives the account to the agent that reports it; returns the numbers that changed hands.
    Raises Unsettled.

    An agent that reports another login, or another server, lets go of the accounts it had: they
    keep their rows, and those that it still reports come back with its next reading. An account
    that has no row yet is added by that reading, which is due at once and in full; one beyond
    those that are expected of the agent is added here.
    """
    with transaction.atomic():
        account = account_of(conflict)
        left = _left_behind(conflict, account)
        moved = left | Account.objects.filter(pk=account.pk if account else 0)
        numbers = list(moved.values_list("number", flat=True))
        losers = set(moved.exclude(agent=None).values_list("agent_id", flat=True))
        lock_rows(Agent, losers | {conflict.agent_id})  # before accounts, as the poller does
        left.update(agent=None)
        adds = account is None and conflict.kind == Conflict.Kind.UNEXPECTED
        if adds:
            numbers.append(_add(conflict).number)
        if account is not None:
            Account.objects.filter(pk=account.pk).update(agent=conflict.agent_id)
        conflict.delete()
        _read_anew(losers | {conflict.agent_id})
        publish_accounts(numbers, added=adds)
    return numbers


def _left_behind(conflict: Conflict, account: Account | None) -> QuerySet[Account]:
    """What the agent has no more once it has this account: one of a number, at the most."""
    held = Account.objects.filter(agent=conflict.agent_id).exclude(pk=account.pk if account else 0)
    if conflict.kind in (Conflict.Kind.OTHER_LOGIN, Conflict.Kind.OTHER_SERVER):
        return held
    return held.filter(number=conflict.number)


def settle_as_another(conflict: Conflict) -> Account:
    """Adds the account that the agent reports beside those of its number, which are of other
    brokers; the next reading fills it. Raises Unsettled.

    From then on it is known by its server, or where the agent reports none, by its agent.
    """
    if conflict.kind not in (Conflict.Kind.TWO_AGENTS, Conflict.Kind.UNCLEAR):
        raise Unsettled(f"{conflict.sentence}: give the account to the agent to have it added.")
    with transaction.atomic():
        others = Account.objects.filter(number=conflict.number)
        if conflict.server and any(is_server(other, conflict.server) for other in others):
            raise Unsettled(f"Account {conflict.number} at {conflict.server} is here already.")
        asked = set(others.exclude(agent=None).values_list("agent_id", flat=True))
        lock_rows(Agent, asked | {conflict.agent_id})  # before accounts, as the poller does
        others.filter(agent=conflict.agent_id).update(agent=None)
        account = _add(conflict)
        conflict.delete()
        _read_anew(asked | {conflict.agent_id})
        publish_accounts([conflict.number], added=True)
    return account


def _add(conflict: Conflict) -> Account:
    """The account that the agent reports, as a row of its own. The caller has locked agents."""
    lock_rows(Phase, filter(None, [Phase.default_id()]))  # so they are added in turn
    others = Account.objects.filter(number=conflict.number)
    separate = others.aggregate(most=Max("separate"))["most"]
    account = Account.objects.create(
        number=conflict.number,
        server=conflict.server,
        separate=0 if conflict.server or separate is None else separate + 1,
        agent=conflict.agent,
        phase_id=Phase.default_id(),
    )
    Account.objects.mark_shared([conflict.number])
    return account


def settle_as_renamed(conflict: Conflict) -> Account:
    """Writes the new name of its server on the agent's own account. Raises Unsettled."""
    if conflict.kind != Conflict.Kind.OTHER_SERVER:
        raise Unsettled(f"{conflict.sentence}: that is no new name of the same server.")
    with transaction.atomic():
        lock_rows(Agent, [conflict.agent_id])  # before accounts, as the poller does
        own = Account.objects.filter(agent=conflict.agent_id, number=conflict.number)
        if not own.update(server=conflict.server):
            raise Unsettled(f"{conflict.agent} has no account {conflict.number} any more.")
        conflict.delete()
        _read_anew({conflict.agent_id})
        publish_accounts([conflict.number])
    return own.get()


def dismiss(conflict: Conflict) -> None:
    """Keeps the account where it is; the agent's next reading flags it again if still true."""
    with transaction.atomic():
        conflict.delete()
        _read_anew({conflict.agent_id})
        publish_accounts([conflict.number])


def withdraw(agents: Iterable[int]) -> None:
    """Agents that were switched off, or go, report nothing any more: nobody asks them again."""
    with transaction.atomic():
        open_ones = Conflict.objects.filter(agent__in=agents)
        numbers = list(open_ones.values_list("number", flat=True))
        open_ones.delete()
        publish_accounts(numbers)


def _read_anew(agents: set[int]) -> None:
    # "Nothing changed" would not do: what these agents report is to be looked at again.
    Agent.objects.filter(pk__in=agents).update(etag="", next_poll_at=timezone.now())
    publish_agents(agents)
