"""Trades of contract 1: what is sent, and what an answer proves.

An open takes its SL and TP in pips from the price at which it opens, a modify takes price levels,
and a close is of the whole position. Nothing ties a request to a login.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import msgspec

from accounts.agents import comments, fields, figures, presend, retcodes
from accounts.agents.call import Answer
from accounts.agents.errors import Malformed, NotSent
from accounts.agents.figures import UNTOLD, Figure
from accounts.agents.readings import Endpoint
from accounts.agents.refusals import check_status, detail_of
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import MESSAGE, Asked, TradeAnswer, TradeRequest, received
from mt5monitor.text import clean

BAD_REQUEST = 400
HEADERS = (("Content-Type", "application/json"),)


class Told(msgspec.Struct):
    success: bool
    ticket: fields.TicketOr0 | None = None
    message: str | None = None
    error_code: fields.Magic | None = None
    price: Figure = UNTOLD
    close_price: Figure = UNTOLD
    new_sl: Figure = UNTOLD
    new_tp: Figure = UNTOLD


_told = msgspec.json.Decoder(Told)


def asked(base: str, endpoint: Endpoint, request: TradeRequest, spec: SymbolSpec | None) -> Asked:
    """Raise NotSent for what contract 1 cannot ask."""
    if request.kind == "open":
        method, path, body = "POST", "/positions/open", _open(request, spec)
    elif request.kind == "close":
        method, path, body = "POST", "/positions/close", _close(request)
    else:
        method, path, body = "PUT", "/positions/modify", _modify(request)
    judge = partial(verdict, f"{method} {path}", request)
    return Asked(method, path, HEADERS, msgspec.json.encode(body), judge)


def _open(request: TradeRequest, spec: SymbolSpec | None) -> dict[str, object]:
    body: dict[str, object] = {
        "symbol": request.symbol,
        "lot": figures.written(request.volume or Decimal(0)),
        "order_type": request.side,
        "comment": request.tag,
    }
    if request.sl is not None:
        body["sl"] = figures.written(pips(request, spec, request.sl, above=request.side == "SELL"))
    if request.tp is not None:
        body["tp"] = figures.written(pips(request, spec, request.tp, above=request.side == "BUY"))
    return body


def _close(request: TradeRequest) -> dict[str, object]:
    if request.volume is not None:
        raise NotSent(
            "An agent of contract 1 closes a position whole, never a part of it. Nothing was sent."
        )
    return {"ticket": request.position, "deviation": request.deviation}


def _modify(request: TradeRequest) -> dict[str, object]:
    """0 is how MT5 writes that there is none; leaving it out would keep the one that is there."""
    levels = {"sl": request.sl, "tp": request.tp}
    told = {key: figures.written(level or Decimal(0)) for key, level in levels.items()}
    return {"ticket": request.position, **told}


def pips(request: TradeRequest, spec: SymbolSpec | None, level: Decimal, *, above: bool) -> Decimal:
    """How many pips `level` is from the price at which the trade would open. Raise NotSent when
    that is not known, or the level is on the wrong side of it."""
    market = None if spec is None else spec.ask if request.side == "BUY" else spec.bid
    if spec is None or spec.symbol != request.symbol or not spec.pip_size or market is None:
        raise NotSent(
            f"The agent does not tell how large a pip of {request.symbol} is now, and takes SL and "
            "TP in pips. Nothing was sent: try again, or open without them and set them after."
        )
    distance = level - market if above else market - level
    count = round(distance / spec.pip_size, 4)
    if count <= 0:
        where = "above" if above else "below"
        raise NotSent(f"{level:f} is not {where} the market at {market:f}. Nothing was sent.")
    return count


def verdict(what: str, request: TradeRequest, answer: Answer) -> TradeAnswer:
    """Raise AgentError when `answer` proves nothing."""
    if answer.status == BAD_REQUEST and (refused := _refused(detail_of(answer), request, answer)):
        return refused
    check_status(answer, what)
    told = fields.decode(answer.body, _told)
    code = told.error_code or None
    if told.success:
        _check_success(told, code, request)
        outcome = retcodes.outcome(code) if code else "done"
    else:
        outcome = "rejected" if code in retcodes.REJECTED else "unknown"
    return _answer(told, outcome, request, answer)


def _refused(detail: str, request: TradeRequest, answer: Answer) -> TradeAnswer | None:
    """What the text of a 400 proves; None when that is nothing."""
    comment, told = comments.comment_of(detail, request), received(answer.body)
    if code := comments.code_of(comment, request):
        return TradeAnswer(
            outcome=retcodes.outcome(code),
            retcode=code,
            retcode_name=retcodes.name(code),
            position=request.position,
            message=comment,
            received=told,
        )
    gone = comments.misses_position(comment, request) or presend.misses_position(detail, request)
    if not gone and not presend.proves_nothing_sent(detail, request):
        return None
    message = clean(detail, MESSAGE)
    return TradeAnswer(outcome="rejected", message=message, received=told, external=gone)


def _check_success(told: Told, code: int | None, request: TradeRequest) -> None:
    """Raise Malformed for a success that says something else as well."""
    if code not in (None, retcodes.DONE, retcodes.NO_CHANGES):
        raise Malformed(f"success: true, with error_code {code} {retcodes.name(code)}")
    if not told.ticket:
        raise Malformed("ticket: missing, though success is true")
    if request.kind == "modify":
        if told.ticket != request.position:
            raise Malformed(f"ticket: {told.ticket} is not the position that was to be modified")
        _check_level("new_sl", told.new_sl, request.sl)
        _check_level("new_tp", told.new_tp, request.tp)


def _check_level(field: str, raw: Figure, level: Decimal | None) -> None:
    """Raise Malformed when the agent says that it set another level. None and 0 are no level; an
    agent that tells nothing of it may have set what was asked."""
    new = figures.positive(raw, field)
    if new is not None and new != level:
        raise Malformed(f"{field}: {new:f} is not what was asked")


def _answer(
    told: Told, outcome: retcodes.Outcome, request: TradeRequest, answer: Answer
) -> TradeAnswer:
    opens = request.kind == "open"
    price = figures.positive(told.price if opens else told.close_price, "price")
    ticket, name = told.ticket or None, retcodes.name(told.error_code)
    return TradeAnswer(
        outcome=outcome,
        # Other numbers are errors of the MetaTrader5 module, or of the agent's own.
        retcode=told.error_code if name else None,
        retcode_name=name,
        order=ticket if opens or ticket != request.position else None,
        position=ticket if opens else request.position,
        price=price,
        message=clean(told.message or "", MESSAGE),
        received=received(answer.body),
    )
