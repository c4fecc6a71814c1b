"""Orders and versus as JSON: what the API answers and what events carry, by the same names.

No library of the API is imported here, so that workers can write events without loading it.
"""

from typing import Any, Final

from django.db.models import Prefetch, QuerySet

from accounts.models import Account
from mt5monitor.ticket_texts import TEXT_OF, texts
from trading.models import Order, Versus
from trading.reachability import unchecked
from trading.states import EXECUTED, OPEN
from trading.states import State as OrderState
from trading.versus.legs import Leg, Legs
from trading.versus.states import State

TICKETS: Final = (
    *("position", "position_identifier", "order_ticket", "deal_ticket", "position_ticket"),
)
# The few states of the original system, which its scripts understand.
STATUS: Final = {
    State.PENDING: "pending",
    State.FREEZING: "pending",
    State.FROZEN: "congelado",
    State.TRANSFERRING: "congelado",
    State.UNPROTECTED: "transferido",
    State.TRANSFERRED: "transferido",
    State.DIVERGED: "error",
    State.CLOSING: "transferido",
    State.COMPLETED: "completed",
    State.CLOSED: "completed",
    State.COMPENSATED: "error",
    State.CANCELLED: "error",
    State.MISSED: "error",
}


def succeeded(order: Order) -> bool | None:
    if order.state in OPEN:
        return None
    # What was to be closed is closed; levels that were to be set are not.
    closed = order.state == OrderState.CLOSED_EXTERNALLY and order.kind == Order.Kind.CLOSE
    return closed or order.state in EXECUTED


def trade_payload(order: Order, success: bool | None) -> dict[str, Any]:
    closes, modifies = order.kind == Order.Kind.CLOSE, order.kind == Order.Kind.MODIFY
    opened = order.position_ticket or order.order_ticket
    ticket = order.position if order.position is not None else opened
    return {
        "success": success,
        "ticket": ticket,
        **texts(ticket=ticket),
        "message": order.reason or order.get_state_display(),
        "price": order.price,
        "close_price": order.price if closes else None,
        "new_sl": order.sl if modifies and success else None,
        "new_tp": order.tp if modifies and success else None,
        "error_code": order.retcode if success is False else None,
        "order": order_payload(order),
    }


def order_payload(order: Order) -> dict[str, Any]:
    same = ("id", "tag", "kind", "symbol", "side", "volume", "sl", "tp", "state")
    ended = ("reason", "retcode", "price", "filled_volume")
    times = ("placed_at", "answered_at", "ended_at")
    tickets = {name: getattr(order, name) for name in TICKETS}
    return {
        **{name: getattr(order, name) for name in (*same, *ended, *times)},
        **tickets,
        **texts(**tickets),
        "account_number": order.login,
        "account_id": order.account_id,
        "server": order.server or None,
        "success": succeeded(order),
        "user": order.username,
        "url": f"/api/orders/{order.pk}",
        "warning": unchecked(order) or None,
    }


def with_payload(rows: QuerySet[Versus]) -> QuerySet[Versus]:
    ordered = Prefetch("orders", Order.objects.select_related("account").order_by("pk"))
    return rows.select_related("account_a__firm", "account_b__firm").prefetch_related(ordered)


def _legs(versus: Versus) -> list[Leg]:
    return Legs(list(versus.orders.all())).open


def versus_payload(versus: Versus) -> dict[str, Any]:
    legs = _legs(versus)
    status = STATUS[State(versus.state)]
    same = ("symbol_a", "symbol_b", "lots", "state", "reason", "created_at", "zone")
    return {
        **{name: getattr(versus, name) for name in same},
        "id": versus.code,
        "account_a": versus.login_a,
        "account_b": versus.login_b,
        **_whose("a", versus.account_a),
        **_whose("b", versus.account_b),
        "symbol": versus.symbol_a,
        "side": versus.side_a,
        "tp_usd_a": versus.tp_a,
        "sl_usd_a": versus.sl_a,
        "tp_usd_b": versus.tp_b,
        "sl_usd_b": versus.sl_b,
        "status": status,
        "error_message": versus.reason if status == "error" else None,
        "updated_at": versus.since,
        "scheduled_congelar": versus.freeze_at,
        "scheduled_transferir": versus.transfer_at,
        **_tickets("tickets_a", [leg for leg in legs if leg.account_id == versus.account_a_id]),
        **_tickets("tickets_b", [leg for leg in legs if leg.account_id == versus.account_b_id]),
        "archived": versus.archived_at is not None,
        "url": f"/versus/{versus.code}/",
    }


def _tickets(name: str, legs: list[Leg]) -> dict[str, list[int] | list[str]]:
    return {
        name: [leg.ticket for leg in legs],
        f"{name}{TEXT_OF}": [str(leg.ticket) for leg in legs],
    }


def _whose(role: str, account: Account) -> dict[str, Any]:
    firm = account.firm.name if account.firm else None
    return {
        f"holder_{role}": account.holder or None,
        f"prop_firm_{role}": firm,
        f"account_id_{role}": account.pk,
        f"server_{role}": account.server or None,
    }
