"""Two accounts at real agents, and a versus between them as somebody of the desk makes it."""

import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from accounts.models import Account, Agent, Firm, Position
from accounts.polling import poller
from tests.factories import make_account, make_trading_agent
from tests.venue import SYMBOL, Venue
from trading import reconcile
from trading.models import Order, Versus
from trading.states import WITHOUT_EXECUTION
from trading.versus import desk, schedule
from trading.versus.desk import NotNow
from trading.versus.legs import ticket_of


class Pair:
    """`a` and `b` name agents of the venue: odd ones speak contract 1, even ones contract 2."""

    def __init__(
        self,
        venue: Venue,
        user: User,
        a: str = "2",
        b: str = "6",
        read: Callable[[str], object] | None = None,
    ) -> None:
        self.venue, self.user, self.names = venue, user, {"a": a, "b": b}
        self._read = read
        self.firm, _ = Firm.objects.get_or_create(name="Liberal", opposite_positions="allowed")
        self.accounts = {role: self._account(name) for role, name in self.names.items()}
        self.read()

    def _account(self, name: str) -> Account:
        endpoint, member = self.venue.endpoint(name), self.venue.member(name)
        agent = make_trading_agent(url=endpoint.url, contract=endpoint.contract)
        agent.set_secret((endpoint.secret or b"").decode())
        agent.save(update_fields=["secret_encrypted"])
        told = member.terminal.account
        server = told.firm.server if endpoint.contract == "2" else ""
        return make_account(number=told.login, agent=agent, server=server, firm=self.firm)

    def read(self) -> None:
        if self._read is not None:
            for name in self.names.values():
                self._read(name)
        else:
            self._poll()
        for account in self.accounts.values():
            account.refresh_from_db()

    def _poll(self) -> None:
        agents = Agent.objects.filter(accounts__in=self.accounts.values())
        assert all(outcome.ok for outcome in poller.refresh(agents))

    def new(self, **columns: Any) -> Versus:
        """Not stored yet."""
        given = {"symbol_a": SYMBOL, "symbol_b": SYMBOL, "lots": Decimal("0.10"), "side_a": "BUY"}
        given |= {"sl_a": 100, "tp_a": 150, "sl_b": 120, "tp_b": 140, "zone": "Europe/Madrid"}
        a, b = (Account.objects.get(pk=self.accounts[role].pk) for role in "ab")
        return Versus(**{"account_a": a, "account_b": b, **given, **columns})

    def created(self, **columns: Any) -> Versus:
        """With what stands against it acknowledged, as it is shown."""
        versus = self.new(**columns)
        try:
            return desk.create(versus, self.user)
        except NotNow as refused:
            warnings = [check.sentence for check in refused.checks]
            return desk.create(versus, self.user, warnings)

    def frozen(self, **columns: Any) -> Versus:
        return desk.freeze(self.created(**columns), self.user)

    def later(self, versus: Versus) -> Versus:
        """After a beat."""
        reconcile.tend()
        schedule.tend()
        versus.refresh_from_db()
        return versus

    def much_later(self, versus: Versus) -> Versus:
        """After all that was to be waited for."""
        long_ago = timezone.now() - timedelta(minutes=2)
        for order in versus.orders.filter(state__in=WITHOUT_EXECUTION):
            Order.objects.filter(pk=order.pk).update(ended_at=long_ago)
        Versus.objects.filter(pk=versus.pk).exclude(gone_at=None).update(gone_at=long_ago)
        Versus.objects.filter(pk=versus.pk).exclude(retry_at=None).update(retry_at=long_ago)
        return self.later(versus)

    def close_at_the_broker(self, role: str, versus: Versus, step: str) -> None:
        """As a person at the terminal, or a stop; then both accounts are read."""
        order = versus.orders.get(step=step, kind="open")
        terminal = self.venue.member(self.names[role]).terminal
        position = terminal.account.positions[ticket_of(order) or 0]
        terminal.account.close(position, int(time.time()))
        self.settled(versus)

    def settled(self, versus: Versus) -> None:
        """Read some time after the last order: what is seen counts."""
        before = timezone.now() - timedelta(minutes=1)
        for order in versus.orders.exclude(ended_at=None):
            Order.objects.filter(pk=order.pk).update(ended_at=before)
        self.read()

    def held(self, role: str, versus: Versus) -> list[tuple[str, Decimal]]:
        """What the venue holds of the versus on that account: side and lots."""
        terminal = self.venue.member(self.names[role]).terminal
        ours = set(Order.objects.filter(versus=versus).values_list("magic", flat=True))
        ours_tags = set(Order.objects.filter(versus=versus).values_list("tag", flat=True))
        terminal.world.advance()
        return sorted(
            (("BUY", "SELL")[position.side], Decimal(str(position.volume)))
            for position in terminal.account.positions.values()
            if position.magic in ours or position.comment in ours_tags
        )

    def positions(self, role: str) -> list[Position]:
        return list(self.accounts[role].positions.order_by("ticket"))
