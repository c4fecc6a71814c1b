"""The specification of a symbol and its last quote, as each contract tells them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from urllib.parse import quote

import msgspec

from accounts.agents import fields, figures, symbol_name, v2
from accounts.agents.call import Answer, Call
from accounts.agents.errors import Malformed, RefusedRequest, SymbolUnknown
from accounts.agents.figures import UNTOLD, Figure
from accounts.agents.readings import Endpoint
from accounts.agents.refusals import check_status, detail_of
from mt5monitor.text import clean

NOT_FOUND = 404
DOTS = (".", "..")  # which mean another place in a path
# Characters that are the same with and without percent code: the two URL libraries on the way must
# agree on the text that is signed.
SAFE = "!$&'()*+,;=:@"
WITH_FRACTIONAL_PIPS = (3, 5)
FINE = 12
HALF_A_CENT = Decimal("0.005")
LEAST_PROFIT = Decimal(1)  # of which half a cent is half a percent


class SymbolSpec(msgspec.Struct, frozen=True, kw_only=True):
    """None, or empty, is what the agent does not tell."""

    symbol: str
    digits: int | None = None
    point: Decimal | None = None
    tick_size: Decimal | None = None
    tick_value: Decimal | None = None
    """Account currency, for one tick of one lot."""
    volume_min: Decimal | None = None
    volume_max: Decimal | None = None
    volume_step: Decimal | None = None
    volume_limit: Decimal | None = None
    """Lots that may be open on one side; None also where there is no such limit."""
    stops_level: int | None = None
    """Points; 0 may mean that the broker decides anew each time."""
    freeze_level: int | None = None
    filling_modes: tuple[str, ...] | None = None
    trade_mode: str = ""
    contract_size: Decimal | None = None
    currency_base: str = ""
    currency_profit: str = ""
    currency_margin: str = ""
    pip_size: Decimal | None = None
    bid: Decimal | None = None
    ask: Decimal | None = None
    quoted_at: datetime | None = None
    """Aware, UTC."""
    margin_buy: Decimal | None = None
    """As the terminal calculates it for one lot at this quote, in account currency; API v2 only."""
    margin_sell: Decimal | None = None
    margin_hedged: Decimal | None = None
    """For one lot bought and one sold together; 0 where the broker asks for none."""
    value_calculated: Decimal | None = None
    """Account currency, for a price change of 1 and one lot, as the terminal calculates it."""


class Quote1(msgspec.Struct):
    """`spread_points`, `spread_pips` and `pip_value` are not read: in the field they are price
    differences and price steps that say nothing of the pips in which the agent opens."""

    symbol: str
    bid: Figure = UNTOLD
    ask: Figure = UNTOLD
    point: Figure = UNTOLD
    trade_tick_value: Figure = UNTOLD


class Tick2(msgspec.Struct):
    bid: Figure = UNTOLD
    ask: Figure = UNTOLD
    time: str | None = None


class Symbol2(msgspec.Struct):
    symbol: str
    digits: fields.Count | None = None
    point: Figure = UNTOLD
    tick_size: Figure = UNTOLD
    tick_value: Figure = UNTOLD
    volume_min: Figure = UNTOLD
    volume_max: Figure = UNTOLD
    volume_step: Figure = UNTOLD
    volume_limit: Figure = UNTOLD
    stops_level: fields.Count | None = None
    freeze_level: fields.Count | None = None
    filling_modes: list[str] | None = None
    trade_mode: str | None = None
    contract_size: Figure = UNTOLD
    currency_base: str | None = None
    currency_profit: str | None = None
    currency_margin: str | None = None
    tick: Tick2 | None = None
    margin_buy: Figure = UNTOLD
    margin_sell: Figure = UNTOLD
    margin_hedged: Figure = UNTOLD
    profit_ticks: fields.Count | None = None
    profit: Figure = UNTOLD


_quote1 = msgspec.json.Decoder(Quote1)
_symbol2 = msgspec.json.Decoder(Symbol2)


async def read(call: Call, endpoint: Endpoint, name: str) -> SymbolSpec:
    """Raise SymbolUnknown when the broker has no symbol of that name, else as all readings."""
    if not symbol_name.is_name(name) or (endpoint.contract == "1" and name in DOTS):
        raise SymbolUnknown(f'"{name}" is no name of a symbol.')
    if endpoint.contract == "1":
        path = path_of("/quote/", name)
        answer = await call.send("GET", path)
    else:
        prefix = "/v2/symbols?symbol=" if name in DOTS else "/v2/symbols/"
        path = path_of(prefix, name)
        answer = await v2.signed(call, endpoint, "GET", path)
    _check(answer, endpoint, f"GET {path}", name)
    spec = parse1(answer.body) if endpoint.contract == "1" else parse2(answer.body)
    if spec.symbol != name:
        raise Malformed(f"symbol: expected {name}, got {spec.symbol}")
    return spec


def path_of(prefix: str, name: str) -> str:
    return prefix + quote(name, safe=SAFE)


def _check(answer: Answer, endpoint: Endpoint, what: str, name: str) -> None:
    """Old agents without the call, and addresses without an agent, answer 404 as well."""
    try:
        v2.check(answer, what) if endpoint.contract == "2" else check_status(answer, what)
    except RefusedRequest as error:
        named = symbol_name.names(detail_of(answer), name)
        if v2.kind_of(error) == "symbol-unknown" or (error.http_status == NOT_FOUND and named):
            raise SymbolUnknown(f"The broker of this account has no symbol {name}.") from error
        if endpoint.contract == "1" and error.http_status == NOT_FOUND and "/" in name:
            raise SymbolUnknown(
                f"Agents of API v1 cannot be asked for a symbol with a slash ({name}). "
                "Install the agent of API v2 to quote and open it."
            ) from error
        raise


def parse1(body: bytes) -> SymbolSpec:
    """Raise Malformed or NotJson."""
    told = fields.decode(body, _quote1)
    point = figures.positive(told.point, "point", places=FINE)
    digits = _digits_of(point)
    return SymbolSpec(
        symbol=symbol_name.kept(told.symbol),
        digits=digits,
        point=point,
        tick_value=figures.positive(told.trade_tick_value, "trade_tick_value", places=FINE),
        pip_size=_pip_by_digits(point, digits),
        bid=figures.positive(told.bid, "bid"),
        ask=figures.positive(told.ask, "ask"),
    )


def _digits_of(point: Decimal | None) -> int | None:
    """The decimals of a price, of which MT5 defines the point as the last. None for a point that
    is no power of ten."""
    if point is None:
        return None
    exponent = point.adjusted()
    return -exponent if exponent <= 0 and point == Decimal(1).scaleb(exponent) else None


def parse2(body: bytes) -> SymbolSpec:
    """Raise Malformed or NotJson."""
    told = fields.decode(body, _symbol2)
    point = figures.positive(told.point, "point", places=FINE)
    tick = told.tick or Tick2()
    modes = told.filling_modes
    return SymbolSpec(
        symbol=symbol_name.kept(told.symbol),
        digits=told.digits,
        point=point,
        tick_size=figures.positive(told.tick_size, "tick_size", places=FINE),
        tick_value=figures.positive(told.tick_value, "tick_value", places=FINE),
        volume_min=figures.positive(told.volume_min, "volume_min"),
        volume_max=figures.positive(told.volume_max, "volume_max"),
        volume_step=figures.positive(told.volume_step, "volume_step"),
        volume_limit=figures.positive(told.volume_limit, "volume_limit"),
        stops_level=told.stops_level,
        freeze_level=told.freeze_level,
        filling_modes=None if modes is None else tuple(clean(mode, 20) for mode in modes[:8]),
        trade_mode=clean(told.trade_mode or "", 20),
        contract_size=figures.positive(told.contract_size, "contract_size"),
        currency_base=clean(told.currency_base or "", fields.CURRENCY),
        currency_profit=clean(told.currency_profit or "", fields.CURRENCY),
        currency_margin=clean(told.currency_margin or "", fields.CURRENCY),
        pip_size=_pip_by_digits(point, told.digits),
        bid=figures.positive(tick.bid, "tick.bid"),
        ask=figures.positive(tick.ask, "tick.ask"),
        quoted_at=v2.utc(tick.time),
        margin_buy=figures.positive(told.margin_buy, "margin_buy"),
        margin_sell=figures.positive(told.margin_sell, "margin_sell"),
        margin_hedged=_not_negative(told.margin_hedged, "margin_hedged"),
        value_calculated=_value(told),
    )


def _not_negative(raw: Figure, field: str) -> Decimal | None:
    """0 is a figure: brokers may ask for no margin there."""
    value = figures.told(raw, field)
    if value is not None and value < 0:
        raise Malformed(f"{field}: expected a number of 0 or more")
    return value


def _value(told: Symbol2) -> Decimal | None:
    """Of a price change of 1, from the profit of so many ticks. None for agents that do not have
    their terminal calculate it, and where its profit, which is rounded to the cent, says less than
    the tick value that is reported, or next to nothing."""
    size = figures.positive(told.tick_size, "tick_size", places=FINE)
    profit = figures.positive(told.profit, "profit")
    if size is None or profit is None or not told.profit_ticks:
        return None
    reported = figures.positive(told.tick_value, "tick_value", places=FINE)
    if reported is None:
        return profit / (size * told.profit_ticks) if profit >= LEAST_PROFIT else None
    if abs(reported * told.profit_ticks - profit) <= HALF_A_CENT:
        return None
    return profit / (size * told.profit_ticks)


def _pip_by_digits(point: Decimal | None, digits: int | None) -> Decimal | None:
    """As agents of both contracts count pips; the name of the symbol says nothing of it."""
    if point is None or digits is None:
        return None
    return point * 10 if digits in WITH_FRACTIONAL_PIPS else point
