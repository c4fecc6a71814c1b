"""The trade server as one simulated terminal meets it."""

from collections.abc import Callable

from agent.constants import Constants
from agent.orders.retcodes import DONE, DONE_PARTIAL, NAMES
from agent.records import OrderCheckResult, OrderSendResult, TradeRequest
from agent.simulated.account import SimulatedAccount
from agent.simulated.checks import check, free_margin
from agent.simulated.comments import COMMENTS
from agent.simulated.execution import Executed
from agent.simulated.trade_faults import Fault, TradeFaults
from agent.simulated.world import World

REJECT = 10006


class Broker:
    """Serves agent `index`. `pause` is called with "before" and "after" around what a request
    sets off, for tests that kill the process there."""

    def __init__(self, world: World, index: int, faults: TradeFaults) -> None:
        self.world, self.index, self.faults = world, index, faults
        self.pause: Callable[[str], None] = lambda moment: None

    def send(
        self, account: SimulatedAccount, request: TradeRequest, barred: int = 0
    ) -> OrderSendResult | None:
        """One call of `order_send`, on the ledger before anything comes of it. `barred` is the
        return code of a terminal that may not trade at all."""
        venue, refusal = self.world.venue, barred or check(account, request)
        fault = Fault(refusal) if refusal else self._fault(request)
        self.pause("before")
        call = venue.enter(self.index, account, request, fault, self.world.clock())
        executed = Executed()
        if fault.stopped and (held := account.positions.get(request.position)):
            account.close(held, account.market.now, reason=Constants.DEAL_REASON_SL)
        if fault.executes and fault.delay:
            venue.execute_later(self.index, account, request, fault, call)
        elif fault.executes:
            executed = venue.execute(self.index, account, request, fault, call)
        self.pause("after")
        retcode = fault.retcode
        if retcode == DONE_PARTIAL and executed.volume == request.volume:
            retcode = DONE
        venue.ledger.append(
            "answer", self.world.clock(), send=call, agent=self.index, retcode=retcode
        )
        if retcode is None:
            return None
        return _result(account, request, retcode, executed, call)

    def check(
        self, account: SimulatedAccount, request: TradeRequest, barred: int = 0
    ) -> OrderCheckResult:
        retcode, market = barred or check(account, request), account.market
        quote = market.quotes.get(request.symbol)
        needed = 0.0
        if quote is not None and not request.position:
            needed = market.margin(quote.symbol, request.volume, account.leverage)
        free, balance = free_margin(account), account.balance_cents / 100
        return OrderCheckResult(
            retcode, balance, balance, 0.0, round(needed, 2), round(free - needed, 2), 0.0,
            NAMES.get(retcode, "Done"), request,
        )  # fmt: skip

    def _fault(self, request: TradeRequest) -> Fault:
        fault = self.faults.next()
        is_deal = request.action == Constants.TRADE_ACTION_DEAL
        if fault.share < 1 and not is_deal:
            return Fault(executes=True)
        if fault.share < 1 and request.type_filling == Constants.ORDER_FILLING_FOK:
            return Fault(REJECT)
        return fault


def _result(
    account: SimulatedAccount, request: TradeRequest, retcode: int, executed: Executed, call: int
) -> OrderSendResult:
    quote = account.market.quotes.get(request.symbol)
    bid, ask = (quote.bid, quote.ask) if quote else (0.0, 0.0)
    told = executed if retcode in (DONE, DONE_PARTIAL) else Executed()
    comment = COMMENTS.get(retcode) or NAMES.get(retcode, "")
    return OrderSendResult(
        retcode, told.deal, told.order, told.volume, told.price, bid, ask, comment, call, 0,
        request,
    )  # fmt: skip
