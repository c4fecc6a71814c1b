"""The one call that moves money, and what its answer proves."""

import logging

from agent.orders.plan import Plan
from agent.orders.request import OrderRequest
from agent.orders.result import Result
from agent.orders.retcodes import DONE, POSITION_CLOSED, outcome_of, retcode_name
from agent.orders.rules import decimal
from agent.readings import reason
from agent.records import MetaTrader5, OrderSendResult

log = logging.getLogger("agent")


def send(mt5: MetaTrader5, order: OrderRequest, plan: Plan) -> Result:
    """Calls `order_send` exactly once. Never raises: whatever went wrong, the order may be out."""
    try:
        answer = mt5.order_send(plan.sent)
        if answer is None:
            return Result("unknown", message=f"the terminal gave no result: {reason(mt5)}")
        return judge(order, plan, answer)
    # One whole item of work: the order has left, or has not, and only its records can tell.
    except Exception as error:
        log.exception("order %s: the terminal failed while it was being sent", order.tag)
        return Result("unknown", message=f"the terminal failed: {error!r}"[:500])


def judge(order: OrderRequest, plan: Plan, answer: OrderSendResult) -> Result:
    """A figure of 0 is one that the terminal does not know."""
    outcome = outcome_of(answer.retcode)
    if answer.retcode == POSITION_CLOSED and order.kind == "modify":
        # Levels of a position that is gone were not moved, and never will be.
        outcome = "rejected"
    executed = outcome in ("done", "partial") and order.kind != "modify"
    opened = answer.order or None if executed else None
    asked = decimal(plan.sent.get("volume", 0.0))
    if answer.retcode == DONE and executed and 0 < decimal(answer.volume) < asked:
        outcome = "partial"
    limit = plan.limit(answer.retcode) if outcome != "done" else ""
    return Result(
        outcome,
        answer.retcode,
        order=answer.order or None,
        deal=answer.deal or None,
        position=plan.position or opened,
        identifier=plan.identifier or opened,
        volume=answer.volume or None if executed else None,
        price=answer.price or None if executed else None,
        bid=answer.bid or None,
        ask=answer.ask or None,
        comment=answer.comment,
        message=f"{answer.comment or retcode_name(answer.retcode)}: {limit}" if limit else "",
        lacking=executed and not (answer.deal and answer.price and answer.volume),
    )
