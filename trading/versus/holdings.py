"""Which legs the brokers still hold, as far as the last readings of both accounts tell.

A reading counts only when it is credible: fresh, of that login, with all its positions, and begun
after the leg was there. Anything less is unknown, which is never "gone".
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from accounts.models import Account
from trading.versus.legs import Leg, Legs

SHOWN_AFTER = timedelta(seconds=5)  # a broker may show a new position a moment later


def held(
    legs: Legs, now: datetime, accounts: Mapping[int, Account] | None = None
) -> dict[tuple[int, int], Decimal]:
    """By the key of the leg, the lots that the broker holds of it, 0 for one that is gone; one of
    which nothing credible is known is left out. Those that their close missed are looked for too.

    `accounts`: those of the legs, by pk, with agent and positions, where they were read already.
    """
    looked_for = [*legs.open, *legs.missed]
    if accounts is None:
        rows = Account.objects.select_related("agent").prefetch_related("positions")
        accounts = rows.in_bulk({leg.account_id for leg in looked_for})
    return {
        leg.key: _lots(leg, accounts[leg.account_id])
        for leg in looked_for
        if is_credible(accounts[leg.account_id], leg, now)
    }


def _lots(leg: Leg, account: Account) -> Decimal:
    held = leg.among(account.positions.all())
    return Decimal(0) if held is None else held.volume


def _was_set_back(account: Account, since: datetime, now: datetime) -> bool:
    """Whether the clock was set back after `since`, and by so much that what was read before that
    moment would be stale by now: what is fresh was read after it."""
    return account.agent is not None and since - now > account.agent.stale_after + SHOWN_AFTER


def is_credible(account: Account, leg: Leg, now: datetime) -> bool:
    """Return whether the last reading of the account is whole and late enough to show this leg."""
    seen = account.seen_at
    return (
        seen is not None
        and leg.since is not None
        and not account.is_stale(now)
        and (seen > leg.since + SHOWN_AFTER or _was_set_back(account, leg.since, now))
        and account.connected is True
        and account.open_positions is not None
        and not account.positions_error
        and account.open_positions == account.positions.count()
    )
