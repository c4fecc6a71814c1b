"""How long the legs of a versus are unequal: naked time, while freezing and while transferring.

The agents are those that users install, on simulated terminals that answer 50 ms late, in a process
of their own. A freeze is naked from the answer of its first leg to that of its second; a transfer
from the answer of B's first half to that of the close on A. DATABASE_URL chooses the database.
"""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks.bench import percentiles, process, setup, table, valkey

AGENTS = 12
LATENCY_S = 0.05
COLUMNS = ("", "runs", "requests between", "p50, ms", "p95", "p99")


def make_pair(url: str) -> tuple[Any, Any]:
    """Two hedging accounts, each behind an agent that may trade, as a first poll makes them."""
    from django.conf import settings

    from accounts import approvals
    from accounts.models import Account, Agent, Firm
    from agent.members import derived_secret
    from benchmarks.sweep import sweep
    from trading.models import TradingSwitch

    for index in range(1, AGENTS + 1):
        agent = Agent(name=f"versus-{index}", url=f"{url}/agents/{index}", contract="2")
        agent.trading_enabled = True
        agent.set_secret(derived_secret("demo", index).decode())
        agent.save()
    approvals.approve_as(Agent.objects.all(), "the benchmark")
    sweep()
    settings.TRADING_ENABLED = settings.VERSUS_ENABLED = True
    TradingSwitch.objects.update_or_create(
        pk=TradingSwitch.PK, defaults={"is_on": True, "instance": settings.INSTANCE_ID}
    )
    firm = Firm.objects.create(
        name="Bench",
        opposite_positions=Firm.OppositePositions.ALLOWED,
        rule_source="made up for this measurement",
        rule_date=datetime.now(UTC).date(),
    )
    Account.objects.update(firm=firm)
    hedging = Account.objects.filter(margin_mode=Account.MarginMode.HEDGING)
    first, second = hedging.select_related("agent").order_by("pk")[:2]
    return first, second


def run(pair: tuple[Any, Any], user: Any) -> tuple[float, float]:
    """Milliseconds of naked time while freezing, and while transferring."""
    from trading.models import Versus
    from trading.versus import desk
    from trading.versus.states import State

    versus = Versus(
        account_a=pair[0],
        account_b=pair[1],
        symbol_a="EURUSD",
        symbol_b="EURUSD",
        lots=Decimal("0.02"),
        side_a="BUY",
        sl_a=50,
        tp_a=50,
        sl_b=50,
        tp_b=50,
        zone="UTC",
    )
    desk.transfer(desk.freeze(desk.create(versus, user), user), user)
    assert versus.state == State.TRANSFERRED, (versus.state, versus.reason)
    answered = dict(versus.orders.values_list("step", "answered_at"))
    assert desk.close_both(versus, user, "measured")
    refresh(pair)
    frozen = answered["sell"] - answered["buy"]
    transferred = answered["release"] - answered["half-1"]
    return frozen.total_seconds() * 1000, transferred.total_seconds() * 1000


def refresh(pair: tuple[Any, Any]) -> None:
    """As the poller would, so that the next one finds figures that are fresh."""
    from accounts import polling

    list(polling.refresh([account.agent for account in pair]))
    for account in pair:
        account.refresh_from_db()


def rows(pair: tuple[Any, Any], count: int) -> Iterator[list[object]]:
    from django.contrib.auth.models import User

    user = User.objects.get_or_create(username="bench", is_superuser=True)[0]
    run(pair, user)
    told = [run(pair, user) for _ in range(count)]
    for name, between, taken in (
        ("freeze", "1 order", [frozen for frozen, _ in told]),
        ("transfer", "2 orders", [transferred for _, transferred in told]),
    ):
        yield [name, count, between, *percentiles(taken)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60)
    options = parser.parse_args()
    setup()
    argv = ["agent.fleet", "--agents", str(AGENTS), "--port", "0", "--contract", "2"]
    argv += ["--latency", str(LATENCY_S), "--secret-seed", "demo"]
    with valkey(), process(*argv, ready=f"{AGENTS} simulated") as line:
        pair = make_pair(line.rpartition(" ")[2].rstrip("/"))
        table("Naked time of a versus, agents of 50 ms", COLUMNS, rows(pair, options.runs))


if __name__ == "__main__":
    main()
