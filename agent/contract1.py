"""Contract v1: what agents in the field answer, their mistakes included.

A terminal without a connection is reported as account 0 with balance 0, positions that cannot be
read as none, both with status 200; times are naive. The monitor has to survive that, so the agent
that stands in for those must do it too. Times are the local time of the broker, or of this machine
while the broker's is unknown.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from agent.agent import Agent
from agent.constants import SIDES
from agent.errors import DealsUnreadable, SymbolUnknown, TerminalError, TerminalTimeout
from agent.readings import (
    FAR_AHEAD,
    AccountReading,
    read_account,
    read_deals,
    read_symbol,
    reconnect,
)
from agent.records import MetaTrader5, SymbolInfo, Tick, TradeDeal, TradePosition
from agent.trades import added, v1_trades

VERSION = "1.4.0"
# A trade that was opened still longer before `from_date` is left out.
ENTRIES_BEFORE = 7 * 86_400


def answer(content: Any, status: int = 200) -> Response:
    """JSON as the old agents write it: a figure that is not a number goes out as NaN."""
    return Response(json.dumps(content), status, media_type="application/json")


def refused(status: int, detail: str) -> Response:
    return answer({"detail": detail}, status)


async def service(request: Request) -> Response:
    agent = _agent(request)
    return answer(
        {
            "service": "MT5 Agent",
            "agent_name": agent.name,
            "status": "running",
            "version": VERSION,
        }
    )


async def health(request: Request) -> Response:
    agent = _agent(request)
    reading, _ = await _alone(agent)
    return answer(
        {
            "status": "unhealthy" if reading is None else "healthy",
            "accounts_monitored": 0 if reading is None else 1,
            "mt5_initialized": reading is not None,
            "timestamp": _local_now(agent),
        }
    )


async def accounts(request: Request) -> Response:
    agent = _agent(request)
    account = _account(agent, *await _alone(agent))
    if agent.accounts_shape == "list":
        return answer([account])
    if agent.accounts_shape == "wrapped":
        return answer({"accounts": [account]})
    return answer(account)


async def refresh(request: Request) -> Response:
    try:
        await _agent(request).terminal.run(reconnect)
    except TerminalError as error:
        return refused(500, f"Failed to reconnect to MT5: {error}")
    return answer({"status": "success", "message": "MT5 connection refreshed"})


async def positions(request: Request) -> Response:
    agent = _agent(request)
    if not agent.offers_positions:
        return refused(404, "Not Found")
    try:
        reading, _ = await agent.state()
    except TerminalError:
        reading = None
    found = () if reading is None else reading.positions
    return answer(
        {
            "account_number": 0 if reading is None else reading.account.login,
            "positions": [_position(position) for position in found],
            "total_profit": added(position.profit for position in found),
            "position_count": len(found),
        }
    )


async def quote(request: Request) -> Response:
    agent, name = _agent(request), request.path_params["symbol"]
    try:
        symbol, tick = await agent.terminal.run(lambda mt5: read_symbol(mt5, name))
    except SymbolUnknown:
        tick = None
    except TerminalError as error:
        return refused(500, str(error))
    if tick is None:
        return refused(404, f"Symbol {name} not found")
    return answer(_quote(symbol, tick))


async def trade_history(request: Request) -> Response:
    agent = _agent(request)
    now = int(agent.clock()) + (agent.broker_clock.offset or 0)
    try:
        since, reach = _since(request, now)
    except ValueError as error:
        return refused(400, str(error))
    try:
        login, deals = await agent.terminal.run(lambda mt5: _deals(mt5, since - reach, now))
    except TerminalTimeout as error:
        return refused(500, str(error))
    except TerminalError:
        return answer(_history(0, []))
    return answer(_history(login, v1_trades(deals, since)))


def _deals(mt5: MetaTrader5, since: int, now: int) -> tuple[int, list[TradeDeal]]:
    """With the login. A history that cannot be read is an empty one, as old agents have it."""
    login = read_account(mt5).login
    try:
        return login, read_deals(mt5, max(0, since), now + FAR_AHEAD)[1]
    except DealsUnreadable:
        return login, []


ROUTES: list[BaseRoute] = [
    Route("/", service),
    Route("/health", health),
    Route("/accounts", accounts),
    Route("/refresh", refresh, methods=["POST"]),
    Route("/trade-history", trade_history),
    Route("/positions", positions),
    Route("/quote/{symbol}", quote),
]


def _agent(request: Request) -> Agent:
    agent: Agent = request.scope["agent"]
    return agent


async def _alone(agent: Agent) -> tuple[AccountReading | None, int]:
    """A reading that failed is None, as the old agents swallow every failure."""
    try:
        reading, days = await agent.account()
    except TerminalError:
        return None, 0
    return reading, days or 0


def _account(agent: Agent, reading: AccountReading | None, days: int) -> dict[str, Any]:
    """Without a terminal: the empty account that old agents invent."""
    account = None if reading is None else reading.account
    connected = reading is not None and reading.connected
    return {
        "account_number": 0 if account is None else account.login,
        "account_name": agent.name if account is None else account.name,
        "balance": 0.0 if account is None else account.balance,
        "status": "connected" if connected else "disconnected",
        "days_operating": days,
        "has_open_position": reading is not None and reading.has_open_position,
        "last_updated": _local_now(agent),
        "account_holder": agent.holder,
        "prop_firm": agent.firm or "N/A",
        "initial_balance": agent.initial_balance,
    }


def _position(position: TradePosition) -> dict[str, Any]:
    return {
        "ticket": position.ticket,
        "symbol": position.symbol,
        "type": SIDES.get(position.type, str(position.type)),
        "volume": position.volume,
        "open_price": position.price_open,
        "current_price": position.price_current,
        "sl": position.sl or None,
        "tp": position.tp or None,
        "profit": position.profit,
        "swap": position.swap,
        # The terminal has no such figure for a position; old agents answer 0 here too.
        "commission": 0.0,
        "open_time": naive(position.time_msc),
    }


def _quote(symbol: SymbolInfo, tick: Tick) -> dict[str, Any]:
    """As in the field, whatever the names say: `spread_points` is a difference of prices, and
    `pip_value` a step of prices that is not always the pip in which positions are opened. A tick
    value that the terminal does not have is told as 1.0; neither tick size nor digits are told."""
    step = symbol.point * 10
    spread = tick.ask - tick.bid
    return {
        "symbol": symbol.name,
        "bid": tick.bid,
        "ask": tick.ask,
        "spread_points": spread,
        "spread_pips": round(spread / step, 1) if step else 0.0,
        "pip_value": step,
        "trade_tick_value": symbol.trade_tick_value or 1.0,
        "point": symbol.point,
        "timestamp": naive(tick.time_msc),
    }


def _history(login: int, trades: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "account_number": login,
        "trades": trades,
        "total_trades": len(trades),
        "total_profit": added(trade["profit"] for trade in trades),
        "total_commission": added(trade["commission"] for trade in trades),
    }


def _since(request: Request, now: int) -> tuple[int, int]:
    """The start of the window in broker seconds, and how much farther back the opening of a trade
    is looked for; `ValueError` says what is wrong with it."""
    from_date = request.query_params.get("from_date")
    if from_date:
        try:
            moment = datetime.fromisoformat(from_date)
        except ValueError as error:
            raise ValueError("Invalid from_date format. Use ISO format") from error
        return max(0, int(moment.replace(tzinfo=UTC).timestamp())), ENTRIES_BEFORE
    days = request.query_params.get("days", "30")
    if not days.isdecimal() or not 1 <= int(days) <= 365:
        raise ValueError("days must be between 1 and 365")
    return now - int(days) * 86_400, 0


def naive(broker_msc: int) -> str:
    """A broker time as text without a zone."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=broker_msc)
    return moment.replace(tzinfo=None).isoformat()


def _local_now(agent: Agent) -> str:
    moment = datetime.fromtimestamp(agent.clock(), UTC)
    offset = agent.broker_clock.offset
    local = moment.astimezone() if offset is None else moment + timedelta(seconds=offset)
    return local.replace(tzinfo=None).isoformat()
