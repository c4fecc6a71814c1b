"""A trader at real agents: rows for both contracts, and orders as a click places them."""

from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from accounts import approvals
from accounts.models import Account, Agent
from tests.factories import make_account, make_trading_agent
from tests.venue import SYMBOL, Venue
from trading import orders
from trading.identity import new_client_key
from trading.models import Order
from trading.orders import Instruction


class Desk:
    def __init__(self, venue: Venue, trader: User) -> None:
        self.venue, self.trader = venue, trader
        self.accounts = {contract: self._account(contract) for contract in ("1", "2")}

    def _account(self, contract: str) -> Account:
        endpoint, member = self.venue.endpoint(contract), self.venue.member(contract)
        agent = make_trading_agent(url=endpoint.url, contract=contract)
        if endpoint.secret:
            agent.set_secret(endpoint.secret.decode())
            agent.save(update_fields=["secret_encrypted"])
        told = member.terminal.account
        server = told.firm.server if contract == "2" else ""
        return make_account(number=told.login, agent=agent, server=server)

    def agent(self, contract: str = "2") -> Agent:
        agent = self.accounts[contract].agent
        assert agent is not None
        return agent

    def move(self, contract: str, url: str) -> None:
        """To another address, where somebody with the right to do so lets orders go, too."""
        Agent.objects.filter(pk=self.agent(contract).pk).update(url=url)
        approvals.approve_as([Agent.objects.get(pk=self.agent(contract).pk)], "a boss")

    def asked(self, kind: str = "open", **changes: Any) -> Instruction:
        columns: dict[str, Any] = {"kind": kind, "symbol": SYMBOL, "side": "BUY"}
        if kind == "open":
            columns["volume"] = Decimal("0.10")
        return Instruction(**{**columns, **changes})

    def place(self, contract: str = "2", *, key: str = "", **changes: Any) -> Order:
        account = Account.objects.select_related("agent").get(pk=self.accounts[contract].pk)
        kind = changes.pop("kind", "open")
        key = key or new_client_key()
        return orders.place(account, self.trader, self.asked(kind, **changes), key)

    def send(self, contract: str = "2", **changes: Any) -> Order:
        return orders.send(self.place(contract, **changes))

    def sent(self, contract: str = "2") -> list[dict[str, Any]]:
        """What the venue was asked to do, by its own ledger."""
        return self.venue.entries(contract, "send")
