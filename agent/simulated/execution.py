"""How the simulated trade server executes a request that it has accepted."""

from decimal import Decimal
from typing import NamedTuple

from agent.constants import Constants
from agent.orders.retcodes import NO_CHANGES
from agent.records import TradeOrder, TradeRequest
from agent.simulated.account import BUY, Mark, SimulatedAccount, SimulatedPosition
from agent.simulated.checks import check, netted
from agent.simulated.market import Quote
from agent.simulated.symbols import Symbol
from agent.simulated.trade_faults import Fault


class Executed(NamedTuple):
    """All 0 when nothing was: the request is not acceptable any more."""

    order: int = 0
    deal: int = 0
    volume: float = 0.0
    price: float = 0.0


def execute(account: SimulatedAccount, request: TradeRequest, fault: Fault) -> Executed:
    if check(account, request) not in (0, NO_CHANGES):
        return Executed()
    if request.action == Constants.TRADE_ACTION_SLTP:
        account.modify(account.positions[request.position], request.sl, request.tp)
        return Executed()
    quote = account.market.quotes[request.symbol]
    volume, price = _volume(request, fault, quote.symbol), _price(request, fault, quote)
    mark = Mark(request.magic, "by broker" if fault.altered else request.comment)
    _trade(account, request, volume, price, mark)
    deal = account.deals[-1]
    # Rejected orders leave no trace here; those that were executed are over, rest or no rest.
    account.orders.append(_order(account, request, volume, deal.order, deal.position_id, mark))
    return Executed(deal.order, deal.ticket, volume, price)


def _trade(
    account: SimulatedAccount, request: TradeRequest, volume: float, price: float, mark: Mark
) -> None:
    at, symbol = account.market.now, account.market.quotes[request.symbol].symbol
    position = account.positions.get(request.position) or netted(account, request.symbol)
    if position is None:
        _open(account, request, volume, price, mark)
    elif position.side == request.type:
        account.add(position, volume, at, price, mark)
        if request.sl or request.tp:
            account.modify(position, request.sl, request.tp)
    else:
        part = min(volume, position.volume)
        account.close(position, at, volume=part, price=price, mark=mark)
        rest = round(volume - part, 8)
        if rest >= symbol.volume_min:
            _open(account, request, rest, price, mark)


def _open(
    account: SimulatedAccount, request: TradeRequest, volume: float, price: float, mark: Mark
) -> SimulatedPosition:
    symbol = account.market.quotes[request.symbol].symbol
    return account.open(
        symbol, request.type, volume, account.market.now,
        sl=request.sl, tp=request.tp, price=price, mark=mark,
    )  # fmt: skip


def _volume(request: TradeRequest, fault: Fault, symbol: Symbol) -> float:
    """The share that is executed, in whole steps and never less than the minimum."""
    if fault.share >= 1:
        return request.volume
    step = Decimal(str(symbol.volume_step))
    share = Decimal(str(request.volume)) * Decimal(str(fault.share)) // step * step
    return min(request.volume, max(symbol.volume_min, float(share)))


def _price(request: TradeRequest, fault: Fault, quote: Quote) -> float:
    slip = fault.slip * quote.symbol.point
    price = quote.ask + slip if request.type == BUY else quote.bid - slip
    return round(price, quote.symbol.digits)


def _order(
    account: SimulatedAccount,
    request: TradeRequest,
    volume: float,
    ticket: int,
    position: int,
    mark: Mark,
) -> TradeOrder:
    time = account.market.now + account.firm.offset
    rest = round(request.volume - volume, 8)
    state = Constants.ORDER_STATE_CANCELED if rest else Constants.ORDER_STATE_FILLED
    return TradeOrder(
        ticket, time, time * 1000, time, time * 1000, 0, request.type, request.type_time,
        request.type_filling, state, mark.magic, position, 0, 3, request.volume, rest,
        request.price, request.sl, request.tp, request.price, 0.0, request.symbol, mark.comment,
        "",
    )  # fmt: skip
