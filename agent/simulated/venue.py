"""What the simulated venue executes and when, and the ledger of it."""

import functools
import heapq
from collections.abc import Callable
from dataclasses import asdict

from agent.records import TradeDeal, TradeRequest
from agent.simulated.account import SimulatedAccount, SimulatedPosition
from agent.simulated.execution import Executed, execute
from agent.simulated.ledger import Entry, Ledger
from agent.simulated.market import Market
from agent.simulated.symbols import BY_NAME
from agent.simulated.trade_faults import Fault

_POSITION = (
    *("ticket", "identifier", "side", "volume", "price", "opened", "sl", "tp", "magic"),
    "comment",
)


class Venue:
    """One for all accounts of a world. Executions that are due later wait for `run_due`."""

    def __init__(self, ledger: Ledger, market: Market) -> None:
        self.ledger, self.market = ledger, market
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        # The call of order_send that is being executed, and the agent that made it.
        self._sending: tuple[int | None, int | None] = (None, None)

    def listen(self, account: SimulatedAccount) -> None:
        account.on_change = functools.partial(self._note, account)

    def enter(
        self,
        agent: int,
        account: SimulatedAccount,
        request: TradeRequest,
        fault: Fault,
        now: float,
    ) -> int:
        """The number of the call, which is on the ledger when this returns."""
        return self.ledger.append(
            "send",
            now,
            agent=agent,
            login=account.login,
            server=account.firm.server,
            tag=request.comment,
            magic=request.magic,
            request=request._asdict(),
            fault=asdict(fault),
            due=now + fault.delay if fault.executes and fault.delay else None,
        )

    def execute(
        self, agent: int, account: SimulatedAccount, request: TradeRequest, fault: Fault, call: int
    ) -> Executed:
        before, self._sending = self._sending, (call, agent)
        try:
            return execute(account, request, fault)
        finally:
            self._sending = before

    def execute_later(
        self, agent: int, account: SimulatedAccount, request: TradeRequest, fault: Fault, call: int
    ) -> None:
        """When the due time of the call has come, which its entry tells."""
        due: float = self.ledger.entries[call - 1]["due"]
        job: Callable[[], object] = functools.partial(
            self.execute, agent, account, request, fault, call
        )
        heapq.heappush(self._due, (due, call, job))

    def run_due(self, now: float) -> None:
        while self._due and self._due[0][0] <= now:
            heapq.heappop(self._due)[2]()

    def restore(self, account_of: Callable[[int, int, str], SimulatedAccount], agents: int) -> None:
        """Bring back what the ledger of an earlier process tells, which may have had more agents.

        `account_of` gives the account of a login at a server, new ones like that of an agent.
        """
        for entry in self.ledger.entries:
            if entry["kind"] == "execution" and entry["agent"] <= agents:
                account = account_of(entry["login"], entry["agent"], entry.get("server", ""))
                deal = entry["deal"] and TradeDeal(*entry["deal"])
                account.restore(_restored(account, entry["position"]), deal)
        for entry in self.ledger.unfinished():
            if entry["agent"] > agents:
                continue
            request, fault = TradeRequest(**entry["request"]), Fault(**entry["fault"])
            account = account_of(entry["login"], entry["agent"], entry.get("server", ""))
            self.execute_later(entry["agent"], account, request, fault, entry["number"])

    def _note(
        self, account: SimulatedAccount, position: SimulatedPosition, deal: TradeDeal | None
    ) -> None:
        call, agent = self._sending
        told = {name: getattr(position, name) for name in _POSITION}
        self.ledger.append(
            "execution",
            self.market.now,
            send=call,
            agent=account.index if agent is None else agent,
            login=account.login,
            server=account.firm.server,
            deal=deal,
            position=told | {"symbol": position.symbol.name, "open": position.open},
        )


def _restored(account: SimulatedAccount, told: Entry) -> SimulatedPosition:
    position = SimulatedPosition(
        account, told["ticket"], BY_NAME[told["symbol"]], told["side"], told["volume"],
        told["price"], told["opened"], sl=told["sl"], tp=told["tp"],
    )  # fmt: skip
    position.identifier = told.get("identifier") or told["ticket"]
    position.magic, position.comment, position.open = told["magic"], told["comment"], told["open"]
    return position
