"""A browser of the desk's trader on the page of one account, without scripts."""

import re
from typing import Any

from django.http import HttpResponse
from django.test import Client

from accounts.models import Position
from accounts.polling import poller
from tests.pages.reading import text
from tests.trading.desk import Desk
from trading.models import Order

HTMX = {"HX-Request": "true"}


class Browser:
    """Of the desk's trader, on the page of one account."""

    def __init__(self, desk: Desk, contract: str = "2") -> None:
        self.desk, self.contract = desk, contract
        self.client = Client()
        self.client.force_login(desk.trader)
        self.own = f"/accounts/{desk.accounts[contract].number}/"

    def ask(self, path: str = "open/", step: str = "send", **typed: Any) -> HttpResponse:
        answer = self.client.post(self.own + path, {"step": step, **typed}, headers=HTMX)
        assert isinstance(answer, HttpResponse)
        return answer

    def open(self, step: str = "send", **changes: Any) -> HttpResponse:
        typed = {"client_key": "a-form", "symbol": "EURUSD", "side": "BUY", "volume": "0,10"}
        return self.ask(step=step, **(typed | changes))

    def read(self) -> None:
        assert [one.ok for one in poller.refresh([self.desk.agent(self.contract)])] == [True]

    def position(self) -> int:
        """One that was opened just now: the ticket."""
        self.open(client_key="opens")
        self.read()
        order = Order.objects.get(client_key="opens")
        ticket = order.position_ticket or order.order_ticket
        assert ticket is not None
        return ticket

    def held(self, ticket: int) -> Position | None:
        return self.desk.accounts[self.contract].positions.filter(ticket=ticket).first()


def hidden(answer: HttpResponse) -> dict[str, str]:
    """What the form of a confirmation sends."""
    fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', text(answer))
    return {name: value for name, value in fields if name != "csrfmiddlewaretoken"}
