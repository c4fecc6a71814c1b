"""Whether an order may be sent now: permission, switches, limits. Part of every claim.

`refusal` says why not, in plain words; `permitted` states what can change at any moment once more
as SQL, so that the claim itself is decided by the database.
"""

from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from accounts.models import Agent, ApiToken, TradingApproval
from accounts.signin import proofs
from mt5monitor.clock import CLOCKS_DIFFER
from mt5monitor.hosts import known
from trading.models import Order, TradeLimit, TradingSwitch, Versus
from trading.versus.states import OPENING

MINUTE = timedelta(minutes=1)
ENDED = (
    "What placed it has ended: its user signed out everywhere, or its token ended. Sign in and "
    "place it again."
)
UNPROVEN = (
    "Trading needs a second factor, and what placed this was not signed in with one that is still "
    "set up. Sign in with a code and place it again."
)


def permitted(now: datetime) -> QuerySet[Order]:
    """Orders that may be sent at `now`, as far as switches, credentials and time go."""
    agent = Agent.objects.filter(
        pk=OuterRef("agent_id"),
        url=OuterRef("agent_url"),
        contract=OuterRef("contract"),
        enabled=True,
        trading_enabled=True,
    )
    # At exactly this address: whoever edits agents does not decide where orders go.
    approved = TradingApproval.objects.filter(
        agent=OuterRef("agent_id"), url=OuterRef("agent_url"), contract=OuterRef("contract")
    )
    if not settings.TRADING_ENABLED:
        return Order.objects.none()
    return Order.objects.filter(
        Exists(TradingSwitch.on()),
        Exists(agent),
        Exists(approved),
        account__agent=F("agent"),
        account__number=F("login"),
        valid_until__gt=now,
        placed_at__lte=now + CLOCKS_DIFFER,  # else the clock was set back: it is older than it says
    ).filter(_goes_on(now), _is_proven())


def _goes_on(now: datetime) -> Q:
    """What placed the order has not ended."""
    lasting = ApiToken.objects.filter(pk=OuterRef("token"), revoked_at=None, expires_at__gt=now)
    return Q(~proofs.was_ended("user")) & (Q(token=None) | Q(Exists(lasting)))


def _is_proven() -> Q:
    """With a second factor that stands, where the desk asks for one of those who trade. What only
    closes or protects what a versus has open goes on, whatever has become of the factor."""
    if not settings.MFA_REQUIRED:
        return Q()
    unwinds = Q(versus__isnull=False) & ~Q(kind=Order.Kind.OPEN)
    return unwinds | Q(proofs.factor_stands("user"))


def refusal(order: Order, now: datetime) -> str:
    """Why the order may not be sent now; empty when it may. Inside the claim's transaction."""
    return (
        _of_the_user(order)
        or _of_the_credential(order, now)
        or refusal_of_the_switch()
        or _of_the_agent(order)
        or _of_the_account(order)
        or _of_the_versus(order)
        or _of_the_limits(order, now)
    )


def _of_the_user(order: Order) -> str:
    user = get_user_model().objects.filter(orders=order, is_active=True).first()
    if user is None:
        return "Whoever placed it may not sign in any more."
    if order.versus_id is None and not user.has_perm("trading.trade"):
        return "You may not trade: the permission is missing."
    if order.versus_id is not None and not user.has_perm("trading.run_versus"):
        return "You may not run versus: the permission is missing."
    if order.overrides_lock and not user.has_perm("trading.override_lock"):
        return "You may not close while the outcome of another order is unknown."
    return ""


def _of_the_credential(order: Order, now: datetime) -> str:
    row = Order.objects.filter(pk=order.pk)
    token = order.token
    if token is not None and not token.is_valid(now):
        return ENDED
    if not row.filter(_goes_on(now)).exists():
        return ENDED
    if settings.MFA_REQUIRED and not row.filter(_is_proven()).exists():
        return UNPROVEN
    return ""


def refusal_of_the_switch() -> str:
    """Why no order at all may leave now; empty when orders may."""
    if not settings.TRADING_ENABLED:
        return "Trading is off on this server. Set TRADING_ENABLED=1 to allow it."
    switch = TradingSwitch.objects.filter(pk=TradingSwitch.PK).first()
    if switch is None or not switch.is_on:
        by = f" by {switch.changed_by}" if switch and switch.changed_by else ""
        why = f": {switch.reason}" if switch and switch.reason else ""
        return f"All trading is switched off{by}{why or '.'}"
    if switch.instance != settings.INSTANCE_ID:
        return "This database was copied or restored. Switch trading on again to confirm it."
    if known.is_behind():
        return "The database was restored while this process ran. Trading stops within a minute."
    return ""


def _of_the_agent(order: Order) -> str:
    agent = order.agent
    if agent is None or not agent.enabled:
        return "The agent of this account is switched off."
    if (agent.url, agent.contract) != (order.agent_url, order.contract):
        return "The agent of this account was changed after the order was placed."
    return agent.refusal_to_trade()


def _of_the_account(order: Order) -> str:
    account = order.account
    if account.agent_id != order.agent_id:
        return "Another agent reports this account now."
    if account.trade_allowed is False:
        return "The terminal may not trade on this account: read-only password, or trading is off."
    return ""


def _of_the_versus(order: Order) -> str:
    """A leg is opened only while its versus goes that way: one that was planned a moment ago, by
    a driver that was held up, must not open what another has undone since."""
    if order.versus_id is None or order.kind != Order.Kind.OPEN:
        return ""
    if not settings.VERSUS_ENABLED:
        return "Versus are off on this server. Set VERSUS_ENABLED=1 to allow them."
    versus = Versus.objects.select_for_update().get(pk=order.versus_id)
    if (versus.state in OPENING and versus.run == order.run) and not versus.failed_step:
        return ""
    return f"Versus {versus.code} has gone another way since: {versus.get_state_display()}."


def _of_the_limits(order: Order, now: datetime) -> str:
    limits = _limits(order.user_id, order.account_id)
    # Locked, so that two orders at once do not both count the other as not yet sent.
    rows = limits.select_related("account").select_for_update(of=("self",)).order_by("pk")
    return next((text for limit in rows if (text := _of_one_limit(limit, order, now))), "")


def _limits(user: int | None, account: int) -> QuerySet[TradeLimit]:
    return TradeLimit.objects.filter(
        Q(user=user) | Q(user=None), Q(account=account) | Q(account=None)
    )


def refusal_of_size(user: int, account: int, symbol: str, lots: Decimal) -> str:
    """Why an opening of this size would be refused by a limit; empty when it would not."""
    limits = _limits(user, account).select_related("account").order_by("pk")
    return next((text for limit in limits if (text := _of_size(limit, symbol, lots))), "")


def _of_size(limit: TradeLimit, symbol: str, lots: Decimal | None) -> str:
    if limit.max_lots is not None and lots and lots > limit.max_lots:
        return f"At most {limit.max_lots.normalize():f} lots an order are allowed ({limit})."
    if limit.allowed_symbols and symbol not in limit.allowed_symbols:
        return f"{symbol} may not be traded ({limit})."
    return ""


def _of_one_limit(limit: TradeLimit, order: Order, now: datetime) -> str:
    opens = order.kind == Order.Kind.OPEN
    if opens and (why := _of_size(limit, order.symbol, order.volume)):
        return why
    if opens and limit.orders_per_minute is not None:
        last_minute = {"claimed_at__gt": now - MINUTE, "claimed_at__lte": now + CLOCKS_DIFFER}
        sent = _sent(limit, order).filter(**last_minute).count()
        if sent >= limit.orders_per_minute:
            return f"At most {limit.orders_per_minute} orders a minute are allowed ({limit})."
    return ""


def _sent(limit: TradeLimit, order: Order) -> QuerySet[Order]:
    """Orders that count: of the account where the limit names one, else of the user."""
    if limit.account_id is not None:
        return Order.objects.filter(account=order.account_id)
    return Order.objects.filter(user=order.user_id)
