"""One simulated account: its balance, its open positions and what happened since the start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from agent.constants import Constants
from agent.records import TradeDeal, TradeOrder, TradePosition
from agent.simulated.market import Market, Quote
from agent.simulated.past import LIVE_TICKETS, Past, ticket_at
from agent.simulated.people import PropFirm
from agent.simulated.symbols import Symbol

BUY, SELL = Constants.POSITION_TYPE_BUY, Constants.POSITION_TYPE_SELL
_LEVEL_COMMENTS = {4: "[sl {0.sl}]", 5: "[tp {0.tp}]"}


class Mark(NamedTuple):
    """What a trade bears of the order that made it."""

    magic: int = 0
    comment: str = ""


UNMARKED = Mark()


class SimulatedPosition:
    """An open position. `sl` and `tp` are price levels, 0.0 for none, as in the terminal.
    `ticket` changes when the broker re-opens it, `identifier` never does.

    `ordered` is True once an order has made or changed it: then it is on the ledger.
    """

    __slots__ = (
        "account",
        "comment",
        "identifier",
        "magic",
        "open",
        "opened",
        "ordered",
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
        self.identifier = ticket
        self.side, self.volume, self.price, self.opened = side, volume, price, opened
        self.sl, self.tp = sl, tp
        self.magic, self.comment, self.open = 0, "", True
        self.ordered = False

    def level_stands(self, level: float) -> bool:
        return self.open and level in (self.sl, self.tp)

    def level_reached(self, level: float, at: int) -> None:
        """Close at the market: like a real stop order, at the next price and not at the level."""
        hit = Constants.DEAL_REASON_SL if level == self.sl else Constants.DEAL_REASON_TP
        self.account.close(self, at, reason=hit)

    def profit_at(self, price: float, dollars: float, volume: float | None = None) -> float:
        """Of the whole position, or of a part of it."""
        move = price - self.price if self.side == BUY else self.price - price
        lots = self.volume if volume is None else volume
        return round(move * lots * self.symbol.contract_size * dollars, 2)

    def swap_at(self, at: int, volume: float | None = None) -> float:
        """Interest in dollars for every full day that the position has been held."""
        days = (at - self.opened) // 86_400
        rate = self.symbol.swap_long if self.side == BUY else self.symbol.swap_short
        lots = self.volume if volume is None else volume
        # Adding zero turns the -0.0 of a negative rate into 0.0.
        return round(days * rate * lots, 2) + 0.0


@dataclass(slots=True)
class SimulatedAccount:
    """Money is kept in whole cents, so that the balance is the exact sum of all deals.

    `on_change` hears of every change that an order made, or that befell a position of one; without
    a deal when only levels, or the ticket, changed. `orders` are those that came through
    `order_send`. `tickets_from` is added to every new ticket: brokers count from where they like.
    """

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
    orders: list[TradeOrder] = field(default_factory=list)
    on_change: Callable[[SimulatedPosition, TradeDeal | None], None] | None = None
    tickets_from: int = 0
    reopened_as: int = 0
    """The last ticket that a re-opened position was given."""

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
        mark: Mark = UNMARKED,
    ) -> SimulatedPosition:
        """Open at the market, or at `price`: one with slippage, or one from before the process."""
        quote = self.market.quotes[symbol.name]
        if price is None:
            price = quote.ask if side == BUY else quote.bid
        ticket = self._next_ticket(at)
        position = SimulatedPosition(self, ticket, symbol, side, volume, price, at, sl=sl, tp=tp)
        position.magic, position.comment = mark
        position.ordered = mark is not UNMARKED
        self.positions[ticket] = position
        self._write(position, ticket, at, Constants.DEAL_ENTRY_IN, volume, price, mark)
        watch(position, quote)
        return position

    def add(
        self, position: SimulatedPosition, volume: float, at: int, price: float, mark: Mark
    ) -> None:
        """More of a position, as accounts that net do it: at the average price from now on."""
        whole = round(position.volume + volume, 8)
        paid = position.price * position.volume + price * volume
        position.volume, position.price = whole, round(paid / whole, position.symbol.digits)
        position.ordered = True
        self._write(
            position, self._next_ticket(at), at, Constants.DEAL_ENTRY_IN, volume, price, mark
        )

    def close(
        self,
        position: SimulatedPosition,
        at: int,
        *,
        reason: int = 0,
        volume: float | None = None,
        price: float | None = None,
        mark: Mark | None = None,
    ) -> None:
        """Close the position, or `volume` of it, at the market or at `price`, and book it."""
        if price is None:
            quote = self.market.quotes[position.symbol.name]
            price = quote.bid if position.side == BUY else quote.ask
        part = position.volume if volume is None else volume
        profit = position.profit_at(price, self.market.dollars(position.symbol), part)
        swap = position.swap_at(at, part)
        rest = round(position.volume - part, 8)
        position.volume = rest or part
        if not rest:
            position.open = False
            del self.positions[position.ticket]
        position.ordered = position.ordered or mark is not None
        mark = mark or Mark(position.magic, _LEVEL_COMMENTS.get(reason, "").format(position))
        self._write(
            position, self._next_ticket(at), at, Constants.DEAL_ENTRY_OUT, part, price, mark,
            reason=reason, swap=swap, profit=profit,
        )  # fmt: skip

    def modify(self, position: SimulatedPosition, sl: float, tp: float) -> None:
        """Move the levels; 0.0 removes one."""
        position.sl, position.tp, position.ordered = sl, tp, True
        watch(position, self.market.quotes[position.symbol.name])
        if self.on_change is not None:
            self.on_change(position, None)

    def reopen(self, position: SimulatedPosition, at: int, ticket: int | None = None) -> None:
        """Give the position a new ticket, as some brokers do when they charge swaps: no deal is
        made, and its identifier stays."""
        del self.positions[position.ticket]
        if ticket is None:
            self.reopened_as = ticket = self._next_ticket(at)
        position.ticket = ticket
        self.positions[position.ticket] = position
        if position.ordered and self.on_change is not None:
            self.on_change(position, None)

    def restore(self, position: SimulatedPosition, deal: TradeDeal | None) -> None:
        """What a ledger knows of an earlier process: a position as it was left, and the deal."""
        for held in list(self.positions.values()):
            if held.identifier == position.identifier:
                del self.positions[held.ticket]
        position.ordered = True
        if position.open:
            self.positions[position.ticket] = position
            watch(position, self.market.quotes[position.symbol.name])
        if deal is not None:
            self.deals.append(deal)
            self.balance_cents += round((deal.profit + deal.swap + deal.commission) * 100)

    def _write(
        self,
        position: SimulatedPosition,
        ticket: int,
        at: int,
        entry: int,
        volume: float,
        price: float,
        mark: Mark,
        *,
        reason: int = 0,
        swap: float = 0.0,
        profit: float = 0.0,
    ) -> None:
        fee = 0.0 - round(position.symbol.lot_fee * volume, 2)
        side = position.side if entry == Constants.DEAL_ENTRY_IN else 1 - position.side
        time = at + self.firm.offset
        self.balance_cents += round((profit + swap + fee) * 100)
        deal = TradeDeal(
            ticket, ticket, time, time * 1000, side, entry, mark.magic, position.identifier,
            reason, volume, price, fee, swap, profit, 0.0, position.symbol.name, mark.comment, "",
        )  # fmt: skip
        self.deals.append(deal)
        if position.ordered and self.on_change is not None:
            self.on_change(position, deal)

    def _next_ticket(self, at: int) -> int:
        """Of a deal, an order or a position: none was given before."""
        last = max(self.deals[-1].ticket if self.deals else 0, self.reopened_as)
        return max(ticket_at(at) + LIVE_TICKETS + self.tickets_from, last + 1)

    def record(self, position: SimulatedPosition) -> TradePosition:
        """The position as the terminal shows it, valued at the present price."""
        symbol = position.symbol
        quote = self.market.quotes[symbol.name]
        price = quote.bid if position.side == BUY else quote.ask
        opened = position.opened + self.firm.offset
        return TradePosition(
            position.ticket, opened, opened * 1000, opened, opened * 1000, position.side,
            position.magic, position.identifier, 0, position.volume, position.price, position.sl,
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
