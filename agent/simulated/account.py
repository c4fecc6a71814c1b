"""One simulated account: its balance, its open positions and what happened since the start."""

from dataclasses import dataclass

from agent.constants import Constants
from agent.records import TradeDeal, TradePosition
from agent.simulated.market import Market, Quote
from agent.simulated.past import LIVE_TICKETS, Past, ticket_at
from agent.simulated.people import PropFirm
from agent.simulated.symbols import Symbol

BUY, SELL = Constants.POSITION_TYPE_BUY, Constants.POSITION_TYPE_SELL


class SimulatedPosition:
    """An open position. `sl` and `tp` are price levels, 0.0 for none, as in the terminal."""

    __slots__ = (
        "account",
        "comment",
        "magic",
        "open",
        "opened",
        "price",
        "side",
        "sl",
        "symbol",
        "ticket",
        "tp",
        "volume",
    )

    def __init__(
        self,
        account: "SimulatedAccount",
        ticket: int,
        symbol: Symbol,
        side: int,
        volume: float,
        price: float,
        opened: int,
        *,
        sl: float,
        tp: float,
    ) -> None:
        self.account, self.ticket, self.symbol = account, ticket, symbol
        self.side, self.volume, self.price, self.opened = side, volume, price, opened
        self.sl, self.tp = sl, tp
        self.magic, self.comment, self.open = 0, "", True

    def level_stands(self, level: float) -> bool:
        return self.open and level in (self.sl, self.tp)

    def level_reached(self, level: float, at: int) -> None:
        """Close at the market: like a real stop order, at the next price and not at the level."""
        hit = Constants.DEAL_REASON_SL if level == self.sl else Constants.DEAL_REASON_TP
        self.account.close(self, at, reason=hit)

    def profit_at(self, price: float, dollars: float) -> float:
        move = price - self.price if self.side == BUY else self.price - price
        return round(move * self.volume * self.symbol.contract_size * dollars, 2)

    def swap_at(self, at: int) -> float:
        """Interest in dollars for every full day that the position has been held."""
        days = (at - self.opened) // 86_400
        rate = self.symbol.swap_long if self.side == BUY else self.symbol.swap_short
        # Adding zero turns the -0.0 of a negative rate into 0.0.
        return round(days * rate * self.volume, 2) + 0.0


@dataclass(slots=True)
class SimulatedAccount:
    """Money is kept in whole cents, so that the balance is the exact sum of all deals."""

    index: int
    login: int
    firm: PropFirm
    holder: str
    initial_cents: int
    hedging: bool
    leverage: int
    past: Past
    market: Market
    balance_cents: int
    positions: dict[int, SimulatedPosition]
    deals: list[TradeDeal]

    @property
    def initial_balance(self) -> float:
        return self.initial_cents / 100

    def open(
        self,
        symbol: Symbol,
        side: int,
        volume: float,
        at: int,
        *,
        sl: float = 0.0,
        tp: float = 0.0,
        price: float | None = None,
    ) -> SimulatedPosition:
        """Open at the market, or at `price` for a position that is older than the process."""
        quote = self.market.quotes[symbol.name]
        if price is None:
            price = quote.ask if side == BUY else quote.bid
        ticket = self._next_ticket(at)
        position = SimulatedPosition(self, ticket, symbol, side, volume, price, at, sl=sl, tp=tp)
        self.positions[ticket] = position
        self._write(position, ticket, at, side, Constants.DEAL_ENTRY_IN, 0, price, 0.0, 0.0)
        watch(position, quote)
        return position

    def close(self, position: SimulatedPosition, at: int, *, reason: int = 0) -> None:
        """Close the whole position at the market, settle it, and write the deal."""
        quote = self.market.quotes[position.symbol.name]
        price = quote.bid if position.side == BUY else quote.ask
        profit = position.profit_at(price, self.market.dollars(position.symbol))
        swap = position.swap_at(at)
        position.open = False
        del self.positions[position.ticket]
        out, ticket = Constants.DEAL_ENTRY_OUT, self._next_ticket(at)
        self._write(position, ticket, at, 1 - position.side, out, reason, price, swap, profit)

    def _write(
        self,
        position: SimulatedPosition,
        ticket: int,
        at: int,
        side: int,
        entry: int,
        reason: int,
        price: float,
        swap: float,
        profit: float,
    ) -> None:
        fee = 0.0 - round(position.symbol.lot_fee * position.volume, 2)
        time = at + self.firm.offset
        self.balance_cents += round((profit + swap + fee) * 100)
        self.deals.append(
            TradeDeal(
                ticket, ticket, time, time * 1000, side, entry, position.magic, position.ticket,
                reason, position.volume, price, fee, swap, profit, 0.0, position.symbol.name,
                {4: f"[sl {position.sl}]", 5: f"[tp {position.tp}]"}.get(reason, ""), "",
            )
        )  # fmt: skip

    def _next_ticket(self, at: int) -> int:
        last = self.deals[-1].ticket if self.deals else 0
        return max(ticket_at(at) + LIVE_TICKETS, last + 1)

    def record(self, position: SimulatedPosition) -> TradePosition:
        """The position as the terminal shows it, valued at the present price."""
        symbol = position.symbol
        quote = self.market.quotes[symbol.name]
        price = quote.bid if position.side == BUY else quote.ask
        opened = position.opened + self.firm.offset
        return TradePosition(
            position.ticket, opened, opened * 1000, opened, opened * 1000, position.side,
            position.magic, position.ticket, 0, position.volume, position.price, position.sl,
            position.tp, price, position.swap_at(self.market.now),
            position.profit_at(price, self.market.dollars(symbol)), symbol.name,
            position.comment, "",
        )  # fmt: skip


def watch(position: SimulatedPosition, quote: Quote) -> None:
    """Let the market call when the stop-loss or the take-profit is reached."""
    if position.side == BUY:
        below, above, low, high = quote.bid_falls, quote.bid_rises, position.sl, position.tp
    else:
        below, above, low, high = quote.ask_falls, quote.ask_rises, position.tp, position.sl
    if low:
        below.add(low, position)
    if high:
        above.add(high, position)
