"""Settling conflicts: which agent an account belongs to is for a person to say."""

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from accounts.broadcast import publish_accounts, publish_agents
from accounts.changes import lock_rows
from accounts.models import Account, Agent, Conflict


def settle_for(conflict: Conflict) -> list[int]:
    """Gives the account to the agent that reports it; returns the numbers that changed hands.

    An agent that reports another login lets go of the accounts it had: they keep their rows, and
    those that it still reports come back with its next reading. An account that has no row yet is
    added by that reading, which is due at once and in full.
    """
    with transaction.atomic():
        moved = Account.objects.filter(number=conflict.number)
        if conflict.kind == Conflict.Kind.OTHER_LOGIN:
            moved = moved | Account.objects.filter(agent=conflict.agent_id)
        numbers = list(moved.values_list("number", flat=True))
        losers = set(moved.exclude(agent=None).values_list("agent_id", flat=True))
        lock_rows(Agent, losers | {conflict.agent_id})  # before accounts, as the poller does
        Account.objects.filter(number__in=numbers).exclude(number=conflict.number).update(
            agent=None
        )
        Account.objects.filter(number=conflict.number).update(agent=conflict.agent_id)
        conflict.delete()
        _read_anew(losers | {conflict.agent_id})
        publish_accounts(numbers)
    return numbers


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
