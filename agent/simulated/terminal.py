"""A terminal without a broker: the functions of the MetaTrader5 module over a simulated account."""

from typing import Any

from agent.constants import Constants
from agent.records import (
    AccountInfo,
    OrderCheckResult,
    OrderSendResult,
    SymbolInfo,
    TerminalInfo,
    Tick,
    TradeDeal,
    TradeOrder,
    TradePosition,
    TradeRequest,
)
from agent.simulated.account import SimulatedAccount
from agent.simulated.broker import Broker
from agent.simulated.market import Quote
from agent.simulated.past import DAY
from agent.simulated.trade_faults import TradeFaults
from agent.simulated.world import World

LONGEST_COMMENT = 31
TRADE_DISABLED, CLIENT_DISABLES = 10017, 10027
_KEYS = set(TradeRequest._fields)
Bar = dict[str, float]
MARKUP = "<img src=x onerror=alert(1)><b>Mallory</b>"


class SimulatedTerminal(Constants):
    """Answers as the module does: a record, a tuple of records, or None with `last_error` set.

    `dropped_until` is the second until which the connection to the broker is gone;
    `positions_fail` makes the positions unreadable; `history_fails` makes deals an empty tuple with
    an error beside it, as the module answers when its history is not there; `balance_is_nan` and
    `name_is_markup` spoil one field each. `read_only` is a login with the investor password,
    `trading_off` the switch for automatic trading in the terminal, `trade_mode` that of every
    symbol. `overrides` has, by symbol, fields of its specification that it reports otherwise; `bid`
    and `ask` are its quote as well, and change no price at which the venue trades.
    """

    __slots__ = (
        "_error",
        "account",
        "balance_is_nan",
        "broker",
        "connected",
        "dropped_until",
        "history_fails",
        "name_is_markup",
        "overrides",
        "positions_fail",
        "read_only",
        "trade_mode",
        "trading_off",
        "world",
    )

    def __init__(
        self, world: World, account: SimulatedAccount, faults: TradeFaults | None = None
    ) -> None:
        self.world = world
        self.account = account
        index = account.index
        self.broker = Broker(world, index, faults or TradeFaults(world.seed, index))
        self.read_only = False
        self.trading_off = False
        self.trade_mode: int = self.SYMBOL_TRADE_MODE_FULL
        self.connected = True
        self.dropped_until = 0.0
        self.positions_fail = False
        self.history_fails = False
        self.balance_is_nan = False
        self.name_is_markup = False
        self.overrides: dict[str, dict[str, Any]] = {}
        self._error = (self.RES_S_OK, "Success")

    def initialize(self) -> bool:
        """Reconnect. A terminal that was switched off stays off; a dropped line comes back."""
        self.dropped_until = 0.0
        return self._online()

    def shutdown(self) -> None:
        """Nothing to release."""

    def last_error(self) -> tuple[int, str]:
        return self._error

    def terminal_info(self) -> TerminalInfo | None:
        online = self._online()
        company = self.account.firm.company
        path = "C:\\Program Files\\MetaTrader 5"
        return TerminalInfo(
            online, not self.trading_off, False, 5120, 38_000, company, "MetaTrader 5", path
        )

    def account_info(self) -> AccountInfo | None:
        if not self._online():
            return None
        account = self.account
        market, firm = account.market, account.firm
        positions = account.positions.values()
        profit = round(sum(r.profit + r.swap for r in map(account.record, positions)), 2)
        margin = round(
            sum(market.margin(p.symbol, p.volume, account.leverage) for p in positions), 2
        )
        balance = account.balance_cents / 100
        equity = round(balance + profit, 2)
        return AccountInfo(
            account.login, self.ACCOUNT_TRADE_MODE_REAL, account.leverage, not self.read_only, True,
            2 if account.hedging else 0, 2, float("nan") if self.balance_is_nan else balance, 0.0,
            profit, equity, margin, round(equity - margin, 2),
            round(equity / margin * 100, 2) if margin else 0.0,
            MARKUP if self.name_is_markup else account.holder, firm.server, "USD", firm.company,
        )  # fmt: skip

    def positions_get(self) -> tuple[TradePosition, ...] | None:
        if not self._online():
            return None
        if self.positions_fail:
            self._error = (self.RES_E_FAIL, "Generic fail")
            return None
        return tuple(map(self.account.record, self.account.positions.values()))

    def symbol_info(self, symbol: str, /) -> SymbolInfo | None:
        quote = self._quote(symbol)
        return None if quote is None else self._specification(quote)

    def symbol_info_tick(self, symbol: str, /) -> Tick | None:
        quote = self._quote(symbol)
        if quote is None:
            return None
        now, info = self._broker_now(), self._specification(quote)
        return Tick(now, info.bid, info.ask, 0.0, 0, now * 1000, 6, 0.0)

    def symbol_select(self, symbol: str, enable: bool, /) -> bool:
        return self._quote(symbol) is not None

    def symbols_get(self) -> tuple[SymbolInfo, ...] | None:
        if not self._online():
            return None
        return tuple(map(self._specification, self.account.market.quotes.values()))

    def copy_rates_range(
        self, symbol: str, timeframe: int, date_from: int, date_to: int, /
    ) -> list[Bar] | None:
        """None: this market keeps no bars."""
        if self._quote(symbol) is not None:
            self._error = (self.RES_E_NOT_FOUND, "Not found")
        return None

    def history_deals_get(self, date_from: int, date_to: int, /) -> tuple[TradeDeal, ...] | None:
        """Deals between two broker times, both ends included, oldest first."""
        if not self._online():
            return None
        if self.history_fails:
            self._error = (self.RES_E_INVALID_PARAMS, "Invalid params")
            return ()
        account, offset = self.account, self.account.firm.offset
        found = list(account.past.deals(date_from - offset, date_to - offset))
        found += (deal for deal in account.deals if date_from <= deal.time <= date_to)
        return tuple(sorted(found, key=lambda deal: (deal.time, deal.ticket)))

    def history_orders_get(self, date_from: int, date_to: int, /) -> tuple[TradeOrder, ...] | None:
        """Orders that came through `order_send` and are over, by the time they were made."""
        if not self._online():
            return None
        orders = self.account.orders
        return tuple(order for order in orders if date_from <= order.time_setup <= date_to)

    def orders_get(self) -> tuple[TradeOrder, ...] | None:
        """None ever waits here: an order that is executed late shows nothing before."""
        return () if self._online() else None

    def order_check(self, request: dict[str, Any], /) -> OrderCheckResult | None:
        asked = self._request(request)
        return None if asked is None else self.broker.check(self.account, asked, self._barred())

    def order_send(self, request: dict[str, Any], /) -> OrderSendResult | None:
        asked = self._request(request)
        if asked is None:
            return None
        answer = self.broker.send(self.account, asked, self._barred())
        if answer is None:
            self._error = (self.RES_E_INTERNAL_FAIL_TIMEOUT, "IPC timeout")
        return answer

    def order_calc_margin(
        self, action: int, symbol: str, volume: float, price: float, /
    ) -> float | None:
        """In dollars, at the present price: the simulated broker asks for no other."""
        quote, account = self._quote(symbol), self.account
        if quote is None or action not in (self.ORDER_TYPE_BUY, self.ORDER_TYPE_SELL):
            return None
        return round(account.market.margin(quote.symbol, volume, account.leverage), 2)

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float, /
    ) -> float | None:
        quote, market = self._quote(symbol), self.account.market
        if quote is None or action not in (self.ORDER_TYPE_BUY, self.ORDER_TYPE_SELL):
            return None
        move = (
            price_close - price_open if action == self.ORDER_TYPE_BUY else price_open - price_close
        )
        return round(move * volume * quote.symbol.contract_size * market.dollars(quote.symbol), 2)

    @property
    def opened_on(self) -> int:
        """The day of the first deposit, in days since 1970 (UTC)."""
        return self.account.past.first_day

    def days_operating(self) -> int:
        """Days since the account was funded, that day included."""
        return int(self.world.clock()) // DAY - self.opened_on + 1

    def _online(self) -> bool:
        self.world.advance()
        online = self.connected and self.world.clock() >= self.dropped_until
        self._error = (
            (self.RES_S_OK, "Success")
            if online
            else (self.RES_E_INTERNAL_FAIL_CONNECT, "No IPC connection")
        )
        return online

    def _request(self, request: dict[str, Any]) -> TradeRequest | None:
        """As the module reads it: names it does not know and comments that are too long fail."""
        if not self._online():
            return None
        if len(request.get("comment", "")) > LONGEST_COMMENT or not set(request) <= _KEYS:
            self._error = (self.RES_E_INVALID_PARAMS, "Invalid arguments")
            return None
        return TradeRequest(**request)

    def _barred(self) -> int:
        """The return code that every request is refused with, 0 when it is not."""
        if self.trading_off:
            return CLIENT_DISABLES
        return TRADE_DISABLED if self.read_only else 0

    def _broker_now(self) -> int:
        return self.account.market.now + self.account.firm.offset

    def _quote(self, symbol: str) -> Quote | None:
        if not self._online():
            return None
        quote = self.account.market.quotes.get(symbol)
        if quote is None:
            self._error = (self.RES_E_NOT_FOUND, "Not found")
        return quote

    def _specification(self, quote: Quote) -> SymbolInfo:
        symbol = quote.symbol
        tick_value = symbol.tick * symbol.contract_size * self.account.market.dollars(symbol)
        return SymbolInfo(
            symbol.name, symbol.description, symbol.digits, symbol.point,
            round((quote.ask - quote.bid) / symbol.point), symbol.tick, round(tick_value, 5),
            symbol.contract_size, symbol.volume_min, symbol.volume_max, symbol.volume_step,
            symbol.stops_level, symbol.freeze_level, symbol.filling,
            self.trade_mode, symbol.base, symbol.profit, symbol.base, True,
            quote.bid, quote.ask, self._broker_now(), volume_limit=symbol.volume_limit,
            # Both legs of a hedge are charged whole here.
            margin_hedged=2 * symbol.contract_size,
        )._replace(**self.overrides.get(symbol.name, {}))  # fmt: skip
