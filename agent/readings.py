"""What is read from a terminal: plain blocking functions, run where `Terminal.run` puts them."""

from dataclasses import dataclass
from typing import TypeVar

from agent.constants import Constants
from agent.errors import (
    AccountUnreadable,
    DealsUnreadable,
    PositionsUnreadable,
    SymbolUnknown,
    TerminalError,
    TerminalUnavailable,
)
from agent.records import (
    AccountInfo,
    MetaTrader5,
    SymbolInfo,
    TerminalInfo,
    Tick,
    TradeDeal,
    TradePosition,
)
from agent.weeks import currency_pairs

R = TypeVar("R")
# Broker clocks are at most 14 hours ahead of UTC, and a deal may be newer than our own clock.
FAR_AHEAD = 2 * 86_400
WATCHED = 8
SELECTED = 3
# Currencies rest from Friday to Sunday, and broker clocks are up to 12 hours behind UTC.
LONGEST_QUIET = 3 * 86_400


@dataclass(frozen=True, slots=True)
class StateReading:
    """The account and all its open positions, belonging together."""

    terminal: TerminalInfo
    account: AccountInfo
    positions: tuple[TradePosition, ...]
    contract_sizes: dict[str, float | None]


@dataclass(frozen=True, slots=True)
class AccountReading:
    """The account without its positions, as contract v1 tells of it."""

    account: AccountInfo
    connected: bool
    has_open_position: bool


def read_account(mt5: MetaTrader5) -> AccountInfo:
    """Raises `AccountUnreadable`, also for the login 0 of a terminal without an account."""
    account = mt5.account_info()
    if account is None or not account.login:
        raise AccountUnreadable(reason(mt5))
    return account


def read_positions(mt5: MetaTrader5) -> tuple[TradePosition, ...]:
    """Raises `PositionsUnreadable`; an empty tuple means that none is open."""
    positions = listed(mt5, mt5.positions_get())
    if positions is None:
        raise PositionsUnreadable(reason(mt5))
    return positions


def read_state(mt5: MetaTrader5) -> StateReading:
    """One consistent reading: repeated when a login or a closed trade changed it half-way."""
    terminal = mt5.terminal_info()
    if terminal is None:
        raise TerminalUnavailable(reason(mt5))
    before = read_account(mt5)
    for _ in range(3):
        positions = read_positions(mt5)
        account = read_account(mt5)
        if _same_books(before, account):
            sizes = {name: _contract_size(mt5, name) for name in {p.symbol for p in positions}}
            return StateReading(terminal, account, positions, sizes)
        before = account
    raise TerminalError("the account changed during each of three readings")


def read_alone(mt5: MetaTrader5) -> AccountReading:
    """Readable also when the positions are not: then margin in use tells that some are open."""
    terminal = mt5.terminal_info()
    if terminal is None:
        raise TerminalUnavailable(reason(mt5))
    account = read_account(mt5)
    positions = listed(mt5, mt5.positions_get())
    some = account.margin > 0 if positions is None else bool(positions)
    return AccountReading(account, terminal.connected, some)


def read_symbol(mt5: MetaTrader5, name: str) -> tuple[SymbolInfo, Tick | None]:
    """The specification and the last tick, None when there is none yet.

    Raises `SymbolUnknown`, or `AccountUnreadable` when no account is logged in.
    """
    read_account(mt5)
    symbol = mt5.symbol_info(name)
    if symbol is None:
        raise SymbolUnknown(name)
    # A symbol outside the terminal's market watch has no ticks until it is selected.
    if not symbol.visible and mt5.symbol_select(name, True):
        symbol = mt5.symbol_info(name) or symbol
    return symbol, mt5.symbol_info_tick(name)


def read_watched(mt5: MetaTrader5, now: float) -> list[str]:
    """Return the symbols whose prices are the newest.

    A symbol outside the terminal's Market Watch has no ticks: where none in it has a price of the
    last days, one more is selected.
    """
    symbols = mt5.symbols_get() or ()
    watched = sorted((s for s in symbols if s.visible), key=lambda s: s.time, reverse=True)
    names = [symbol.name for symbol in watched[:WATCHED]]
    if not watched or watched[0].time < now - LONGEST_QUIET:
        tradable = [s.name for s in symbols if not s.visible and s.trade_mode]
        pairs = currency_pairs(symbols)
        others = sorted(tradable, key=lambda name: name not in pairs)[:SELECTED]
        names += [name for name in others if mt5.symbol_select(name, True)][:1]
    return names


def read_deals(mt5: MetaTrader5, since: int, until: int) -> tuple[AccountInfo, list[TradeDeal]]:
    """Deals between two broker times (seconds since 1970, both included), oldest first."""
    account = read_account(mt5)
    deals = listed(mt5, mt5.history_deals_get(since, until))
    if deals is None:
        raise DealsUnreadable(reason(mt5))
    if read_account(mt5).login != account.login:
        raise DealsUnreadable("the terminal changed to another login meanwhile")
    return account, sorted(deals, key=lambda deal: (deal.time_msc, deal.ticket))


def read_first_day(mt5: MetaTrader5, now: int) -> int | None:
    """The day of the first deal in days since 1970 (broker time), None without any deal."""
    _, deals = read_deals(mt5, 0, now + FAR_AHEAD)
    return deals[0].time // 86_400 if deals else None


def listed(mt5: MetaTrader5, found: tuple[R, ...] | None) -> tuple[R, ...] | None:
    """Return what the call just made has listed, None when it failed.

    The module reports some failures as an empty tuple: only its last error tells them apart from
    an empty list.
    """
    return found if found or mt5.last_error()[0] == Constants.RES_S_OK else None


def reconnect(mt5: MetaTrader5) -> None:
    """Close the connection to the terminal and open it; raises when there is no account then."""
    mt5.shutdown()
    if not mt5.initialize():
        raise TerminalUnavailable(reason(mt5))
    read_account(mt5)


def reason(mt5: MetaTrader5) -> str:
    """The terminal's own words for its last failure."""
    code, text = mt5.last_error()
    return f"{text} ({code})"


def _same_books(before: AccountInfo, after: AccountInfo) -> bool:
    # A figure that is not a number differs from itself, hence the comparison as text.
    return (before.login, before.server, str(before.balance)) == (
        after.login,
        after.server,
        str(after.balance),
    )


def _contract_size(mt5: MetaTrader5, name: str) -> float | None:
    symbol = mt5.symbol_info(name)
    return None if symbol is None else symbol.trade_contract_size
