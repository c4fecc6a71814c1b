"""A market, its accounts and its traders, all made from one seed."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

from agent.simulated.account import SimulatedAccount
from agent.simulated.ledger import Ledger
from agent.simulated.market import Market
from agent.simulated.past import DAY, Past
from agent.simulated.people import FIRMS, holder_name
from agent.simulated.symbols import SYMBOLS
from agent.simulated.trader import Desk, Trader
from agent.simulated.venue import Venue

Clock = Callable[[], float]
DEPOSITS = (10_000, 25_000, 50_000, 100_000, 100_000, 200_000)


class World:
    """Accounts numbered from 1. `clock` gives seconds of UTC since 1970; tests drive their own.

    Everything is a function of the seed, of the second the world started in, of the present second
    and of the orders sent: which accounts were asked for, and how often, changes nothing.
    """

    def __init__(
        self,
        seed: int,
        accounts: int,
        clock: Clock = time.time,
        ledger: Ledger | None = None,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.start = int(clock())
        self.market = Market(seed, self.start)
        self.desk = Desk()
        self.market.on_second = self.desk.on_second
        self.venue = Venue(ledger or Ledger(), self.market)
        self.accounts = [self._account(index) for index in range(1, accounts + 1)]
        self._known = {(one.login, one.firm.server): one for one in self.accounts}
        self.venue.restore(self.account_for, accounts)

    def advance(self) -> None:
        """Let the market reach the present second; cheap when it is there already."""
        now = self.clock()
        if int(now) > self.market.now:
            self.market.advance(int(now))
        self.venue.run_due(now)

    def account_for(self, login: int, like: int, server: str = "") -> SimulatedAccount:
        """The account of a login at a server; without one, of the first that has the login. One
        that is new is as that of agent `like`, at its broker where no server is given, and flat.
        """
        found = next((one for (number, at), one in self._known.items()
                      if number == login and server in ("", at)), None)  # fmt: skip
        return found or self._opened(login, self.accounts[like - 1], server)

    def _opened(self, login: int, model: SimulatedAccount, server: str) -> SimulatedAccount:
        firm = replace(model.firm, server=server or model.firm.server)
        past = replace(model.past, login=login)
        account = replace(
            model, login=login, firm=firm, past=past,
            balance_cents=past.balance_cents(past.last_day), positions={}, deals=[], orders=[],
        )  # fmt: skip
        self._known[login, firm.server] = account
        self.venue.listen(account)
        return account

    def _account(self, index: int) -> SimulatedAccount:
        rng = random.Random(f"account {self.seed} {index}")  # noqa: S311
        firm = FIRMS[rng.randrange(len(FIRMS))]
        login = firm.first_login + index * 17 + rng.randrange(17)
        symbols = tuple(symbol.name for symbol in rng.sample(SYMBOLS, 5))
        past = self._past(login, firm.offset, symbols, rng)
        account = SimulatedAccount(
            index=index,
            login=login,
            firm=firm,
            holder=holder_name(index, rng),
            initial_cents=past.initial_cents,
            hedging=not firm.netting,
            leverage=firm.leverage,
            past=past,
            market=self.market,
            balance_cents=past.balance_cents(past.last_day),
            positions={},
            deals=[],
        )
        self._begin(account, symbols, rng)
        self.venue.listen(account)
        return account

    def _past(self, login: int, offset: int, symbols: tuple[str, ...], rng: random.Random) -> Past:
        """An account is between 3 and 123 days old; it grows older with the calendar."""
        today = self.start // DAY
        age = 3 + (today + rng.randrange(121)) % 121
        deposit = rng.choice(DEPOSITS) * 100
        return Past(
            seed=self.seed,
            login=login,
            offset=offset,
            initial_cents=deposit,
            first_day=today - age,
            last_day=today,
            band=rng.uniform(-0.09, 0.09),
            symbols=symbols,
        )

    def _begin(
        self, account: SimulatedAccount, symbols: tuple[str, ...], rng: random.Random
    ) -> None:
        trader = Trader(account, self.seed, symbols)
        if rng.random() < 0.6:
            ages = sorted(rng.randint(60, 20 * 3_600) for _ in range(rng.randint(1, 5)))
            for ago in reversed(ages):
                trader.open(self.start, ago=ago)
        self.desk.add(trader, self.start)
