"""Contract v2, the reading half: signed both ways, every error a problem, times in UTC."""

import hashlib
import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent.agent import Agent
from agent.broker_clock import BrokerClock
from agent.calculated import PROFIT_TICKS, Calculated, calculate
from agent.constants import (
    DEAL_TYPES,
    ENTRIES,
    FILLING_FLAGS,
    MARGIN_MODES,
    REASONS,
    SIDES,
    TRADE_MODES,
    name_of,
)
from agent.problem import Problem
from agent.readings import StateReading, read_symbol, reconnect
from agent.records import MetaTrader5, SymbolInfo, Tick, TradeDeal, TradePosition

LONGEST_WINDOW = timedelta(days=400)


async def ping(request: Request) -> Response:
    return Response(
        json.dumps({"contract": "2", "agent": _agent(request).name}),
        media_type="application/json",
    )


async def state(request: Request) -> Response:
    """The ETag stands for everything but `as_of`, the time of the reading."""
    agent = _agent(request)
    reading, days = await agent.state()
    text = json_text(state_content(reading, days, agent.broker_clock))
    etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    if _matches(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers={"etag": etag})
    as_of = utc_text(datetime.fromtimestamp(agent.clock(), UTC))
    body = f'{text[:-1]},"as_of":"{as_of}"}}'
    return Response(body, media_type="application/json", headers={"etag": etag})


async def refresh(request: Request) -> Response:
    await _agent(request).terminal.run(reconnect)
    return Response('{"status":"success"}', media_type="application/json")


async def symbol(request: Request) -> Response:
    """By its path, slashes included; "." and ".." by the query, as a path would lose them."""
    agent, name = _agent(request), request.path_params.get("symbol")
    name = request.query_params.get("symbol", "") if name is None else name
    specification, tick, calculated = await agent.terminal.run(lambda mt5: _terms(mt5, name))
    content = symbol_content(specification, tick, agent.broker_clock)
    content |= calculated_content(calculated)
    return Response(json_text(content), media_type="application/json")


def _terms(mt5: MetaTrader5, name: str) -> tuple[SymbolInfo, Tick | None, Calculated]:
    specification, tick = read_symbol(mt5, name)
    return specification, tick, calculate(mt5, specification, tick)


async def deals(request: Request) -> Response:
    agent = _agent(request)
    since, until = _moment(request, "from"), _moment(request, "to")
    if not timedelta() <= until - since <= LONGEST_WINDOW:
        raise _invalid(f"to must be after from, by {LONGEST_WINDOW.days} days at most")
    clock = agent.broker_clock
    account, found = await agent.deals(since, until)
    content = {
        "login": account.login,
        "server": account.server,
        "from": utc_text(since),
        "to": utc_text(until),
        "broker_utc_offset_s": clock.offset,
        "deals": [deal_content(deal, clock) for deal in found],
    }
    return Response(json_text(content), media_type="application/json")


ROUTES: list[BaseRoute] = [
    Route("/v2/ping", ping),
    Route("/v2/state", state),
    Route("/v2/refresh", refresh, methods=["POST"]),
    Route("/v2/symbols", symbol),
    Route("/v2/symbols/{symbol:path}", symbol),
    Route("/v2/deals", deals),
]


def state_content(reading: StateReading, days: int | None, clock: BrokerClock) -> dict[str, Any]:
    account, terminal = reading.account, reading.terminal
    return {
        "login": account.login,
        "server": account.server,
        "company": account.company,
        "name": account.name,
        "currency": account.currency,
        "currency_digits": account.currency_digits,
        "margin_mode": name_of(MARGIN_MODES, account.margin_mode),
        "leverage": account.leverage,
        "balance": account.balance,
        "credit": account.credit,
        "equity": account.equity,
        "margin": account.margin,
        "margin_free": account.margin_free,
        # The terminal says 0 for an account without margin in use: there is no level then.
        "margin_level": account.margin_level or None,
        "profit": account.profit,
        "connected": terminal.connected,
        "trade_allowed": account.trade_allowed and terminal.trade_allowed,
        "expert_allowed": account.trade_expert and not terminal.tradeapi_disabled,
        "days_operating": days,
        "broker_utc_offset_s": clock.offset,
        "positions": [
            _position(position, reading.contract_sizes.get(position.symbol), clock)
            # In the order of their tickets, or a terminal that shuffles them changes the ETag.
            for position in sorted(reading.positions, key=lambda position: position.ticket)
        ],
    }


def _position(
    position: TradePosition, contract_size: float | None, clock: BrokerClock
) -> dict[str, Any]:
    return {
        "ticket": position.ticket,
        "identifier": position.identifier,
        "symbol": position.symbol,
        "type": name_of(SIDES, position.type),
        "volume": position.volume,
        "open_price": position.price_open,
        "current_price": position.price_current,
        "sl": position.sl or None,
        "tp": position.tp or None,
        "profit": position.profit,
        "swap": position.swap,
        "open_time": utc_text(clock.utc(position.time_msc)),
        "comment": position.comment,
        "magic": position.magic,
        "contract_size": contract_size,
    }


def symbol_content(info: SymbolInfo, tick: Tick | None, clock: BrokerClock) -> dict[str, Any]:
    return {
        "symbol": info.name,
        "description": info.description,
        "digits": info.digits,
        "point": info.point,
        "tick_size": info.trade_tick_size,
        "tick_value": info.trade_tick_value,
        "volume_min": info.volume_min,
        "volume_max": info.volume_max,
        "volume_step": info.volume_step,
        "volume_limit": info.volume_limit or None,
        "stops_level": info.trade_stops_level,
        "freeze_level": info.trade_freeze_level,
        "filling_modes": [name for flag, name in FILLING_FLAGS.items() if info.filling_mode & flag],
        "trade_mode": name_of(TRADE_MODES, info.trade_mode),
        "contract_size": info.trade_contract_size,
        "currency_base": info.currency_base,
        "currency_profit": info.currency_profit,
        "currency_margin": info.currency_margin,
        "tick": None
        if tick is None
        else {"bid": tick.bid, "ask": tick.ask, "time": utc_text(clock.utc(tick.time_msc))},
    }


def calculated_content(calculated: Calculated) -> dict[str, Any]:
    return {
        "margin_buy": calculated.margin_buy,
        "margin_sell": calculated.margin_sell,
        "margin_hedged": calculated.margin_hedged,
        "profit_ticks": PROFIT_TICKS,
        "profit": calculated.profit,
    }


def deal_content(deal: TradeDeal, clock: BrokerClock) -> dict[str, Any]:
    """`time` is UTC; `broker_time_msc` is what the broker's clock said, milliseconds as if UTC.

    `time_uncertain`: how far that clock was from UTC on that day is not proven, and `time` the
    likeliest.
    """
    return {
        "ticket": deal.ticket,
        "order": deal.order,
        "position_id": deal.position_id,
        "entry": name_of(ENTRIES, deal.entry),
        "type": name_of(DEAL_TYPES, deal.type),
        "reason": name_of(REASONS, deal.reason),
        "symbol": deal.symbol,
        "volume": deal.volume,
        "price": deal.price,
        "profit": deal.profit,
        "swap": deal.swap,
        "commission": deal.commission,
        "fee": deal.fee,
        "comment": deal.comment,
        "magic": deal.magic,
        "time": utc_text(clock.utc(deal.time_msc)),
        "time_uncertain": not clock.is_certain(deal.time_msc),
        "broker_time_msc": deal.time_msc,
    }


def utc_text(moment: datetime | None) -> str | None:
    """ISO 8601 with milliseconds and a Z; None stays None."""
    if moment is None:
        return None
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"
    )


def _agent(request: Request) -> Agent:
    agent: Agent = request.scope["agent"]
    return agent


def json_text(content: dict[str, Any]) -> str:
    """Compact JSON; a figure that is not a number is null: unknown, and JSON has no NaN."""
    try:
        return json.dumps(content, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _matches(header: str | None, etag: str) -> bool:
    """If-None-Match compares weakly (RFC 9110), and `*` matches whatever there is."""
    if header is None:
        return False
    given = [item.strip().removeprefix("W/") for item in header.split(",")]
    return etag in given or given == ["*"]


def _moment(request: Request, name: str) -> datetime:
    """A query parameter as an aware time; a `Problem` 400 when missing, malformed or naive."""
    text = request.query_params.get(name)
    if text is None:
        raise _invalid(f"{name} is missing")
    try:
        # An unescaped plus sign of an offset arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise _invalid(f"{name} is not an ISO 8601 time") from error
    if moment.tzinfo is None or not 1970 <= moment.year <= 2100:
        raise _invalid(f"{name} needs an offset from UTC and a year from 1970 to 2100")
    return moment.astimezone(UTC)


def _invalid(detail: str) -> Problem:
    return Problem(400, "parameter-invalid", "A parameter cannot be used", detail)
