"""What the fleet page costs: server time through the whole middleware, queries, bytes.

The median of several requests by a signed-in user, the database warm, nothing cached by us.
"""

import argparse
import gzip
import time
from datetime import timedelta
from decimal import Decimal

from benchmarks.bench import median_of, setup, table

SIZES = (69, 1000, 10_000)
COLUMNS = ("accounts", "rows shown", "server time, ms", "queries", "KB", "KB compressed")


def make_accounts(count: int) -> None:
    from django.utils import timezone

    from accounts.models import Account, Agent, Firm, Phase

    Account.objects.all().delete()
    Agent.objects.all().delete()
    firms = [Firm.objects.get_or_create(name=f"Firm {n}")[0] for n in range(4)]
    phases = list(Phase.objects.all())
    now = timezone.now()
    agents = Agent.objects.bulk_create(
        Agent(
            name=f"vps-{n:05}",
            url=f"http://10.0.0.1:8000/agents/{n}",
            status="online",
            last_seen_at=now,
            stale_after=timedelta(hours=1),
        )
        for n in range(count)
    )
    Account.objects.bulk_create(
        Account(
            number=800_000 + n,
            agent=agents[n],
            holder=f"Holder Number {n}",
            firm=firms[n % 4],
            phase=phases[n % len(phases)],
            initial_balance=Decimal(100_000),
            max_drawdown_pct=Decimal(10),
            balance=Decimal(100_000) + Decimal(n * 37 % 9000) - 4500 + Decimal("0.55"),
            equity=Decimal(100_000) + Decimal(n * 31 % 9000) - 4500,
            floating=Decimal(n % 500) - 250,
            open_positions=n % 4,
            days_operating=n % 90,
            connected=True,
            changed_at=now,
        )
        for n in range(count)
    )


def measure(count: int, runs: int) -> list[object]:
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    make_accounts(count)
    client = Client()
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    page = client.get("/").content

    def timed() -> float:
        begun = time.perf_counter()
        assert client.get("/").status_code == 200
        return (time.perf_counter() - begun) * 1000

    milliseconds = median_of(runs, timed)
    with CaptureQueriesContext(connection) as queries:
        client.get("/")
    rows = page.count(b'id="account-')
    sizes = len(page) / 1024, len(gzip.compress(page, 6)) / 1024
    return [count, rows, milliseconds, len(queries), *sizes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    options = parser.parse_args()
    setup()
    from django.conf import settings
    from django.core.management import call_command

    settings.ALLOWED_HOSTS = ["testserver"]
    call_command("collectstatic", verbosity=0, interactive=False)
    rows = [measure(count, options.runs) for count in SIZES]
    table("The fleet page", COLUMNS, rows)


if __name__ == "__main__":
    main()
