"""Trades of contract 2: what is sent, signed, and what a signed answer proves.

Only what the agent signed for this very request counts. It says the outcome, which must fit its
return code and its figures: a contradiction proves nothing.
"""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal
from functools import partial
from typing import Literal

import msgspec

from accounts.agents import fields, figures, retcodes, v2
from accounts.agents.call import Answer, Call, target
from accounts.agents.errors import Malformed, NotSent, RefusedRequest, SecretMissing
from accounts.agents.figures import UNTOLD, Figure
from accounts.agents.readings import Endpoint
from accounts.agents.refusals import check_status, problem_of
from accounts.agents.signing import Signer, is_signed
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import (
    MESSAGE,
    Asked,
    OrderRecord,
    TradeAnswer,
    TradeRequest,
    received,
    unknown,
)
from mt5monitor.text import clean

PATH = "/v2/orders"
WHAT = f"POST {PATH}"
CONTENT_TYPE = ("Content-Type", "application/json")
ACCEPTED = 202
# Of these the agent must say besides that nothing was sent ("sent": false).
REFUSALS = frozenset(
    {
        "account-unreadable",
        "body-invalid",
        "check-failed",
        "journal-unavailable",
        "login-mismatch",
        "margin-insufficient",
        "market-closed",
        "netting-opposite",
        "no-price",
        "order-expired",
        "order-invalid",
        "position-frozen",
        "position-mismatch",
        "position-not-found",
        "positions-unreadable",
        "server-mismatch",
        "stops-invalid",
        "stops-too-close",
        "symbol-not-tradable",
        "symbol-unknown",
        "terminal-error",
        "terminal-timeout",
        "terminal-unavailable",
        "trading-not-allowed",
        "volume-invalid",
    }
)
MISSING = "position-not-found"
# Of an agent that has no such call. Not among them are the problems of a signature: they are said
# of a copy of the request that came late, too, while the first one may have executed.
NO_SUCH_CALL = frozenset({"not-found", "method-not-allowed"})


class Told(msgspec.Struct):
    outcome: retcodes.Outcome
    tag: str | None = None
    retcode: fields.Count | None = None
    retcode_name: str | None = None
    order: fields.TicketOr0 | None = None
    deal: fields.TicketOr0 | None = None
    position: fields.TicketOr0 | None = None
    identifier: fields.TicketOr0 | None = None
    volume: Figure = UNTOLD
    price: Figure = UNTOLD
    bid: Figure = UNTOLD
    ask: Figure = UNTOLD
    comment: str | None = None
    message: str | None = None
    external: bool = False
    """A close that found its position closed by something else."""
    recovered: bool = False
    """Found in the terminal's records, which prove more than the return code."""
    sent: bool | None = None


class Evidence(msgspec.Struct):
    conclusion: str | None = None
    detail: str | None = None


class Record(msgspec.Struct):
    state: Literal["unknown-tag", "executing", "ended"]
    tag: str
    login: fields.Login | None = None
    journal: str | None = None
    journal_since: str | None = None
    evidence: Evidence | None = None


_told = msgspec.json.Decoder(Told)
_record = msgspec.json.Decoder(Record)


def asked(base: str, endpoint: Endpoint, request: TradeRequest, spec: SymbolSpec | None) -> Asked:
    """Raise SecretMissing."""
    if not endpoint.secret:
        raise SecretMissing("Contract 2 needs the agent's secret: set it.")
    body = msgspec.json.encode(_content(request))
    signer = Signer(endpoint.secret, "POST", target(base, PATH), body=body)
    headers = (CONTENT_TYPE, *signer.headers())
    return Asked("POST", PATH, headers, body, partial(verdict, signer, request))


def _content(request: TradeRequest) -> dict[str, object]:
    # To the millisecond, downwards: nothing may be sent later than was said.
    expires_at = request.expires_at.astimezone(UTC).replace(tzinfo=None)
    content = {**msgspec.structs.asdict(request)}
    content["expires_at"] = f"{expires_at.isoformat(timespec='milliseconds')}Z"
    for key in ("volume", "sl", "tp"):
        value = content[key]
        content[key] = figures.written(value) if isinstance(value, Decimal) else None
    return content


def verdict(signer: Signer, request: TradeRequest, answer: Answer) -> TradeAnswer:
    """Raise NotSent for a proven refusal, another AgentError when `answer` proves nothing."""
    if not is_signed(answer):
        check_status(answer, WHAT)
    signer.verify(answer)
    if answer.status == ACCEPTED:
        return unknown("The agent has sent it and waits for its terminal.", answer.body)
    try:
        _check_refusal(answer)
    except NotSent as refusal:
        if request.kind == "open" or not _misses_position(refusal):
            raise
        said, body = clean(refusal.sentence, MESSAGE), received(answer.body)
        return TradeAnswer(outcome="rejected", message=said, received=body, external=True)
    told = fields.decode(answer.body, _told)
    if told.tag not in (None, request.tag):
        raise Malformed(f"tag: expected {request.tag}, got {clean(told.tag or '', 40)}")
    return weighed(told, answer.body, request)


def _misses_position(refusal: NotSent) -> bool:
    """Whether the agent did not find the position to close or to modify."""
    cause = refusal.cause
    return isinstance(cause, RefusedRequest) and v2.kind_of(cause) == MISSING


def _check_refusal(answer: Answer) -> None:
    try:
        check_status(answer, WHAT)
    except RefusedRequest as error:
        kind, problem = v2.kind_of(error), problem_of(answer)
        if (kind in REFUSALS and problem.sent is False) or kind in NO_SUCH_CALL:
            # The title is the plain sentence; the detail may be no more than a code's name.
            told = [str(text) for text in (problem.title, problem.detail) if text] or [kind]
            said = ": ".join(told)
            raise NotSent(f"The agent refused it and sent nothing: {said}", error) from error
        raise


def weighed(told: Told, body: bytes, request: TradeRequest | None) -> TradeAnswer:
    """`request` None: what was asked is not known here. Raise Malformed for a figure that is
    none."""
    answer = _answer(told, body)
    if answer.outcome != "unknown" and (why := _contradiction(told, answer, request)):
        message = f"The agent's answer contradicts itself: {why}. {answer.message}"
        changes = {"outcome": "unknown", "message": clean(message, MESSAGE)}
        return msgspec.structs.replace(answer, **changes)
    return answer


def _answer(told: Told, body: bytes) -> TradeAnswer:
    return TradeAnswer(
        outcome=told.outcome,
        retcode=told.retcode or None,
        retcode_name=clean(told.retcode_name or "", 40) or retcodes.name(told.retcode),
        order=told.order or None,
        deal=told.deal or None,
        position=told.position or None,
        identifier=told.identifier or None,
        volume=figures.positive(told.volume, "volume"),
        price=figures.positive(told.price, "price"),
        bid=figures.positive(told.bid, "bid"),
        ask=figures.positive(told.ask, "ask"),
        message=clean(told.message or told.comment or "", MESSAGE),
        received=received(body),
        external=told.external,
    )


def _contradiction(told: Told, answer: TradeAnswer, request: TradeRequest | None) -> str:
    """Why the outcome cannot be; empty when all fits."""
    implied = retcodes.outcome(told.retcode)
    withheld = told.outcome == "rejected" and told.sent is False
    both_executed = {implied, told.outcome} == {"done", "partial"}
    if implied == "unknown":
        if not (told.recovered or withheld):
            return f"{told.outcome}, with return code {told.retcode} {answer.retcode_name}".rstrip()
    elif implied != told.outcome and not both_executed:
        return f"{told.outcome}, with return code {told.retcode} {answer.retcode_name}"
    if told.outcome == "rejected" and (answer.deal or answer.volume):
        return "rejected, with a deal"
    if told.outcome in ("done", "partial"):
        return _wrong_figure(answer, request)
    return ""


def _wrong_figure(answer: TradeAnswer, request: TradeRequest | None) -> str:
    done, volume = answer.outcome == "done", answer.volume
    if not done and volume is None:
        return "a part of the volume, but not which"
    if request is None or request.kind == "modify" or answer.external:
        return ""
    if not (answer.order or answer.deal or answer.position):
        return "executed, without a ticket"
    if request.kind == "open" and not (answer.order or answer.position):
        return "opened, without the ticket of a position"
    if request.volume is None or volume is None:
        return ""
    if volume > request.volume or (volume == request.volume) != done:
        return f"{answer.outcome}, with {volume:f} of {request.volume:f} lots"
    return ""


async def record(call: Call, endpoint: Endpoint, tag: str) -> OrderRecord:
    """What the agent's journal says of `tag`. Raise AgentError."""
    path = f"{PATH}/{tag}"
    answer = await v2.signed(call, endpoint, "GET", path)
    v2.check(answer, f"GET {path}")
    told = fields.decode(answer.body, _record)
    if told.tag != tag:
        raise Malformed(f"tag: expected {tag}, got {clean(told.tag, 40)}")
    ended = told.state == "ended"
    found = weighed(fields.decode(answer.body, _told), answer.body, None) if ended else None
    evidence = told.evidence or Evidence()
    return OrderRecord(
        told.state,
        found,
        conclusion=clean(evidence.conclusion or "", 40),
        detail=clean(evidence.detail or "", MESSAGE),
        login=told.login or None,
        journal=clean(told.journal or "", 40),
        journal_since=v2.utc(told.journal_since),
    )
