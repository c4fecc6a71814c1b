"""A terminal without a broker: the functions of the MetaTrader5 module over a simulated account."""

from agent.constants import Constants
from agent.records import AccountInfo, SymbolInfo, TerminalInfo, Tick, TradeDeal, TradePosition
from agent.simulated.account import SimulatedAccount
from agent.simulated.market import Quote
from agent.simulated.past import DAY
from agent.simulated.world import World

MARKUP = "<img src=x onerror=alert(1)><b>Mallory</b>"


class SimulatedTerminal(Constants):
    """Answers as the module does: a record, a tuple of records, or None with `last_error` set.

    `dropped_until` is the second until which the connection to the broker is gone;
    `positions_fail` makes the positions unreadable; `balance_is_nan` and `name_is_markup` spoil one
    field each.
    """

    __slots__ = (
        "_error",
        "account",
        "balance_is_nan",
        "connected",
        "dropped_until",
        "name_is_markup",
        "positions_fail",
        "world",
    )

    def __init__(self, world: World, account: SimulatedAccount) -> None:
        self.world = world
        self.account = account
        self.connected = True
        self.dropped_until = 0.0
        self.positions_fail = False
        self.balance_is_nan = False
        self.name_is_markup = False
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
        return TerminalInfo(online, True, False, 5120, 38_000, company, "MetaTrader 5", path)

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
            account.login, self.ACCOUNT_TRADE_MODE_REAL, account.leverage, True, True,
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
        now = self._broker_now()
        return Tick(now, quote.bid, quote.ask, 0.0, 0, now * 1000, 6, 0.0)

    def symbol_select(self, symbol: str, enable: bool, /) -> bool:
        return self._quote(symbol) is not None

    def history_deals_get(self, date_from: int, date_to: int, /) -> tuple[TradeDeal, ...] | None:
        """Deals between two broker times, both ends included, oldest first."""
        if not self._online():
            return None
        account, offset = self.account, self.account.firm.offset
        found = list(account.past.deals(date_from - offset, date_to - offset))
        found += (deal for deal in account.deals if date_from <= deal.time <= date_to)
        return tuple(sorted(found, key=lambda deal: (deal.time, deal.ticket)))

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
            symbol.stops_level, 0, self.SYMBOL_FILLING_FOK | self.SYMBOL_FILLING_IOC,
            self.SYMBOL_TRADE_MODE_FULL, symbol.base, symbol.profit, symbol.base, True,
            quote.bid, quote.ask, self._broker_now(),
        )  # fmt: skip
