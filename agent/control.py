"""Steering one agent of a fleet: `POST /control/agents/<i>`, and reading what its venue saw."""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from agent.body import parsed, read_body
from agent.callers import why_refused
from agent.members import SLOW_SECONDS, Member, check_state
from agent.orders.journal import JournalError
from agent.problem import Problem, of_problem
from agent.simulated.trade_faults import Fault, fault_of

Order = dict[str, Any]


async def control(member: Member, scope: Scope, receive: Receive, send: Send) -> None:
    """Answers the state that the agent is in now, or with `GET .../ledger` its ledger."""
    try:
        content = await _obey(member, scope, receive)
    except Problem as error:
        await of_problem(error)(scope, receive, send)
    except JournalError as error:
        problem = Problem(503, "journal-unreadable", "The journal cannot be read", str(error))
        await of_problem(problem)(scope, receive, send)
    else:
        await JSONResponse(content)(scope, receive, send)


async def _obey(member: Member, scope: Scope, receive: Receive) -> Order:
    if refusal := why_refused(scope):
        raise Problem(403, "browser-refused", refusal)
    if scope["path"].endswith("/ledger"):
        return _ledger(member, scope)
    if scope["method"] != "POST":
        raise Problem(405, "method-not-allowed", "Only POST changes a state")
    order = _read(await read_body(receive))
    seconds = order.pop("seconds", None)
    # All are read before any is obeyed, so that a wrong one changes nothing.
    for act in [READERS[name](member, value, seconds) for name, value in order.items()]:
        act()
    if order.get("state") == "restart":
        await member.restart()
    return {"index": member.index, "state": member.state}


def _ledger(member: Member, scope: Scope) -> Order:
    if scope["method"] != "GET":
        raise Problem(405, "method-not-allowed", "The ledger is only read")
    world = member.terminal.world
    world.advance()
    return {"entries": world.venue.ledger.of_agent(member.index)}


def _read(body: bytes) -> Order:
    try:
        order = parsed(body)
    except ValueError as error:
        raise Problem(400, "body-invalid", "The body is not JSON") from error
    known = isinstance(order, dict) and set(order) <= {*READERS, "seconds"}
    if not known or not set(order) & set(READERS):
        raise _unknown(f"any of {', '.join(READERS)}, and seconds")
    seconds = order.get("seconds")
    if isinstance(seconds, bool) or not isinstance(seconds, int | float | None):
        raise _unknown("seconds is a number")
    return dict(order)


Act = Callable[[], None]


def _state(member: Member, value: Any, seconds: float | None) -> Act:
    if value == "restart":
        return lambda: None
    check_state(str(value))
    return lambda: member.enter(str(value), SLOW_SECONDS if seconds is None else float(seconds))


def _login(member: Member, value: Any, seconds: float | None) -> Act:
    number, _, server = value.partition("@") if isinstance(value, str) else (value, "", "")
    if server and number.isascii() and number.isdecimal():
        number = int(number)
    if type(number) is not int or not 0 < number < 2**53:
        raise _unknown('login is a number above 0, or a text such as "4711@Broker-Live"')
    return lambda: member.log_in(number, server)


def _next_order(member: Member, value: Any, seconds: float | None) -> Act:
    faults = [_fault(name, seconds) for name in (value if isinstance(value, list) else [value])]
    return lambda: member.terminal.broker.faults.queued.extend(faults)


def _orders(member: Member, value: Any, seconds: float | None) -> Act:
    """What every order meets from now on; null ends it."""
    fault = None if value is None else _fault(value, seconds)
    return lambda: setattr(member.terminal.broker.faults, "standing", fault)


def _next_answer(member: Member, value: Any, seconds: float | None) -> Act:
    if value not in (None, "cut", "slow"):
        raise _unknown("next_answer is cut, slow or null")

    def act() -> None:
        member.next_answer = value
        member.answer_seconds = SLOW_SECONDS if seconds is None else float(seconds)

    return act


def _switch(name: str, *, meaning: bool) -> Callable[[Member, Any, float | None], Act]:
    """A field of the terminal that is `meaning` when the value is true."""

    def read(member: Member, value: Any, seconds: float | None) -> Act:
        if not isinstance(value, bool):
            raise _unknown(f"{name} is true or false")
        return lambda: setattr(member.terminal, name, value is meaning)

    return read


def _reopen(member: Member, value: Any, seconds: float | None) -> Act:
    """True: every open position is given a new ticket. A number: the one with this ticket is."""
    if value is not True and type(value) is not int:
        raise _unknown("reopen is true, or the ticket of an open position")

    def act() -> None:
        member.terminal.world.advance()
        account = member.terminal.account
        for position in list(account.positions.values()):
            if value is True or position.ticket == value:
                account.reopen(position, account.market.now)

    return act


def _tickets_from(member: Member, value: Any, seconds: float | None) -> Act:
    if type(value) is not int or not 0 <= value < 2**63 - 2**45:
        raise _unknown("tickets_from is a number that is added to every new ticket")
    return lambda: setattr(member.terminal.account, "tickets_from", value)


READERS: dict[str, Callable[[Member, Any, float | None], Act]] = {
    "state": _state,
    "login": _login,
    "next_order": _next_order,
    "orders": _orders,
    "next_answer": _next_answer,
    "reopen": _reopen,
    "tickets_from": _tickets_from,
    "read_only": _switch("read_only", meaning=True),
    "auto_trading": _switch("trading_off", meaning=False),
}


def _fault(name: object, seconds: float | None) -> Fault:
    try:
        return fault_of(name, seconds)
    except ValueError as error:
        raise _unknown(str(error)) from error


def _unknown(detail: str) -> Problem:
    return Problem(400, "body-invalid", "The body is not an object that we know", detail)
