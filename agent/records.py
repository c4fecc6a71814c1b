"""What the MetaTrader5 module hands out, as far as the agent uses it.

The field names are the module's own. Times are broker times as seconds or milliseconds since 1970,
without a time zone; money, volumes and prices are floats. Real records have more fields.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol


class TerminalInfo(NamedTuple):
    connected: bool
    trade_allowed: bool
    tradeapi_disabled: bool
    build: int
    ping_last: int
    company: str
    name: str
    path: str


class AccountInfo(NamedTuple):
    login: int
    trade_mode: int
    leverage: int
    trade_allowed: bool
    trade_expert: bool
    margin_mode: int
    currency_digits: int
    balance: float
    credit: float
    profit: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float
    name: str
    server: str
    currency: str
    company: str
    limit_orders: int = 0  # 0 for no limit


class TradePosition(NamedTuple):
    ticket: int
    time: int
    time_msc: int
    time_update: int
    time_update_msc: int
    type: int
    magic: int
    identifier: int
    reason: int
    volume: float
    price_open: float
    sl: float
    tp: float
    price_current: float
    swap: float
    profit: float
    symbol: str
    comment: str
    external_id: str


class TradeDeal(NamedTuple):
    ticket: int
    order: int
    time: int
    time_msc: int
    type: int
    entry: int
    magic: int
    position_id: int
    reason: int
    volume: float
    price: float
    commission: float
    swap: float
    profit: float
    fee: float
    symbol: str
    comment: str
    external_id: str


class SymbolInfo(NamedTuple):
    name: str
    description: str
    digits: int
    point: float
    spread: int
    trade_tick_size: float
    trade_tick_value: float
    trade_contract_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    trade_stops_level: int
    trade_freeze_level: int
    filling_mode: int
    trade_mode: int
    currency_base: str
    currency_profit: str
    currency_margin: str
    visible: bool
    bid: float
    ask: float
    time: int
    trade_exemode: int = 2
    volume_limit: float = 0.0  # lots on one side, 0 for no limit
    margin_initial: float = 0.0
    margin_hedged: float = 0.0
    margin_hedged_use_leg: bool = False


class Tick(NamedTuple):
    time: int
    bid: float
    ask: float
    last: float
    volume: int
    time_msc: int
    flags: int
    volume_real: float


class TradeOrder(NamedTuple):
    ticket: int
    time_setup: int
    time_setup_msc: int
    time_done: int
    time_done_msc: int
    time_expiration: int
    type: int
    type_time: int
    type_filling: int
    state: int
    magic: int
    position_id: int
    position_by_id: int
    reason: int
    volume_initial: float
    volume_current: float
    price_open: float
    sl: float
    tp: float
    price_current: float
    price_stoplimit: float
    symbol: str
    comment: str
    external_id: str


class TradeRequest(NamedTuple):
    """How the module repeats a request; it is given one as a dict with these keys, as needed."""

    action: int = 0
    magic: int = 0
    order: int = 0
    symbol: str = ""
    volume: float = 0.0
    price: float = 0.0
    stoplimit: float = 0.0
    sl: float = 0.0
    tp: float = 0.0
    deviation: int = 0
    type: int = 0
    type_filling: int = 0
    type_time: int = 0
    expiration: int = 0
    comment: str = ""
    position: int = 0
    position_by: int = 0


class OrderSendResult(NamedTuple):
    retcode: int
    deal: int
    order: int
    volume: float
    price: float
    bid: float
    ask: float
    comment: str
    request_id: int
    retcode_external: int
    request: TradeRequest


class OrderCheckResult(NamedTuple):
    """`retcode` is 0 when the request may be sent."""

    retcode: int
    balance: float
    equity: float
    profit: float
    margin: float
    margin_free: float
    margin_level: float
    comment: str
    request: TradeRequest


class MetaTrader5(Protocol):
    """The functions that the agent calls; None or False means failure, then see `last_error`."""

    def initialize(self) -> bool: ...
    def shutdown(self) -> None: ...
    def last_error(self) -> tuple[int, str]: ...
    def terminal_info(self) -> TerminalInfo | None: ...
    def account_info(self) -> AccountInfo | None: ...
    def positions_get(self) -> tuple[TradePosition, ...] | None: ...
    def symbol_info(self, symbol: str, /) -> SymbolInfo | None: ...
    def symbol_info_tick(self, symbol: str, /) -> Tick | None: ...
    def symbol_select(self, symbol: str, enable: bool, /) -> bool: ...
    def symbols_get(self) -> tuple[SymbolInfo, ...] | None: ...
    def copy_rates_range(
        self, symbol: str, timeframe: int, date_from: int, date_to: int, /
    ) -> Sequence[Mapping[str, float]] | None: ...
    def history_deals_get(
        self, date_from: int, date_to: int, /
    ) -> tuple[TradeDeal, ...] | None: ...
    def history_orders_get(
        self, date_from: int, date_to: int, /
    ) -> tuple[TradeOrder, ...] | None: ...
    def orders_get(self) -> tuple[TradeOrder, ...] | None: ...
    def order_check(self, request: dict[str, Any], /) -> OrderCheckResult | None: ...
    def order_send(self, request: dict[str, Any], /) -> OrderSendResult | None: ...
    def order_calc_margin(
        self, action: int, symbol: str, volume: float, price: float, /
    ) -> float | None: ...
    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float, /
    ) -> float | None: ...
