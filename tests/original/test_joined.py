"""With real agents: accounts are joined when they are reported, and say what pips are worth."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from accounts.models import Account, Agent, Conflict
from accounts.polling import poller
from tests.factories import make_agent, make_user
from tests.original.folder import WAITING, Folder, cached, waiting
from tests.venue import SYMBOL, Venue
from trading import quotes, sizing
from trading.history import syncing
from trading.models import Versus

pytestmark = pytest.mark.django_db


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path, 4) as venue:
        yield venue


def login(venue: Venue, name: str) -> int:
    return int(venue.member(name).terminal.account.login)


def poll(*agents: Agent) -> None:
    assert all(outcome.ok for outcome in poller.refresh(list(agents)))


def known(venue: Venue, name: str) -> Agent:
    """An agent of contract 2, added here before the import."""
    endpoint = venue.endpoint(name)
    agent = make_agent(name=f"VPS {name}", url=endpoint.url, contract="2")
    agent.set_secret((endpoint.secret or b"").decode())
    agent.save(update_fields=["secret_encrypted"])
    return agent


@pytest.mark.both_databases
def test_an_account_that_is_reported_later_joins_its_row(folder: Folder, venue: Venue) -> None:
    urls = {name: venue.endpoint(name).url for name in "123"}
    folder.agents([{"name": f"VPS {name}", "url": url} for name, url in urls.items()])
    second = known(venue, "2")
    numbers = {name: login(venue, name) for name in "12"}
    folder.write(
        phases={numbers["1"]: "F2", numbers["2"]: "R"},
        vs_data={numbers["1"]: "VS1", numbers["2"]: "VS1"},
    )
    assert f"VPS 2 kept {urls['2']} is here already" in folder.run()
    assert set(Account.objects.values_list("agent", flat=True)) == {None}

    poll(*Agent.objects.all())

    rows = {account.number: account for account in Account.objects.for_rows()}
    assert set(rows) == {*numbers.values(), login(venue, "3")}
    for name, phase in (("1", "F2"), ("2", "R")):
        account = rows[numbers[name]]
        assert (str(account.phase), str(account.vs_group)) == (phase, "VS1")
        assert str(account.agent) == f"VPS {name}"
        assert account.balance is not None

        assert account.is_stale(account.agent.last_seen_at) is False  # type: ignore[union-attr, arg-type]
    assert not Conflict.objects.exists()
    second.refresh_from_db()
    assert second.contract == "2"

    before = Account.history.count()
    assert "0 taken, 0 changed, 7 kept, 0 skipped" in folder.run()
    assert Account.history.count() == before


@pytest.fixture
def pair(folder: Folder, venue: Venue) -> dict[str, int]:
    """Two accounts that agents of contract 2 have reported, and one behind contract 1."""
    folder.agents([{"name": "VPS 1", "url": venue.endpoint("1").url}])
    folder.run()
    known(venue, "2"), known(venue, "4")
    poll(*Agent.objects.all())
    return {"account_a": login(venue, "2"), "account_b": login(venue, "4")}


NO_MONEY = dict.fromkeys([key for key in WAITING if "usd" in key])


@pytest.mark.parametrize(
    "stops",
    [
        {"sl_pips": 20, "tp_pips": 40.5},
        {"sl_pips_a": 20, "tp_pips_a": 40.5, "sl_pips_b": 20, "tp_pips_b": 40.5},
    ],
)
def test_stops_in_pips_become_money_as_the_agents_say_it(
    folder: Folder, pair: dict[str, int], stops: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of one lot and a half a pip, as the simulated broker has it; commission is tested below."""
    monkeypatch.setattr("trading.commission.known", lambda *_: None)
    folder.write(versus_data=waiting(**NO_MONEY | stops | pair | {"symbol": SYMBOL}))
    said = folder.run("--user", make_user("trading.run_versus").username)
    versus = Versus.objects.get()
    for role, account in (("a", versus.account_a), ("b", versus.account_b)):
        spec = quotes.fresh(account, SYMBOL)
        assert spec.tick_value is not None
        assert spec.tick_size is not None
        assert spec.pip_size is not None
        pip = spec.tick_value * spec.pip_size / spec.tick_size * versus.lots
        lost, won = getattr(versus, f"sl_{role}"), getattr(versus, f"tp_{role}")
        assert abs(lost - pip * 20) < Decimal("0.02")
        assert abs(won - pip * Decimal("40.5")) < Decimal("0.02")
        assert f"SL of {role.upper()}: 20 pips are {lost} {account.currency}" in said


def test_the_commission_is_part_of_what_a_stop_costs(
    folder: Folder, pair: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = waiting(**NO_MONEY, **pair, sl_pips=20, tp_pips=40)
    folder.write(versus_data=told)
    name = make_user("trading.run_versus").username
    rates: list[Decimal | None] = [None, Decimal("-7.00")]
    found = []
    for rate in rates:
        monkeypatch.setattr("trading.commission.known", lambda *_, rate=rate: rate)
        said = folder.run("--user", name, "--dry-run")
        found.append(Decimal(said.partition("SL of A: 20 pips are ")[2].split()[0]))
    assert found[1] - found[0] == Decimal("3.50"), "half a lot"
    monkeypatch.setattr("trading.commission.known", lambda *_: Decimal(-100_000))
    assert "40 pips are less than the commission" in folder.run("--user", name)


def test_a_versus_is_skipped_when_its_agent_reports_no_tick_value(
    folder: Folder, venue: Venue, pair: dict[str, int]
) -> None:
    venue.member("1").terminal.overrides[SYMBOL] = {"point": 0.0}
    one = {"account_a": login(venue, "1"), "symbol": SYMBOL}
    folder.write(versus_data=waiting(**NO_MONEY | pair | one, sl_pips=20, tp_pips=40))
    said = folder.run("--user", make_user("trading.run_versus").username)
    assert f"and account {one['account_a']} cannot say what they are in money: The agent" in said
    assert not Versus.objects.exists()


@pytest.mark.parametrize(
    "stops",
    [
        {"sl_pips": 20, "tp_pips": 40},
        {"sl_pips_a": 20, "tp_pips_a": 40, "sl_pips_b": 20, "tp_pips_b": 40},
    ],
)
def test_pips_of_an_original_agent_become_money_and_assumptions_are_reported(
    folder: Folder,
    venue: Venue,
    pair: dict[str, int],
    stops: dict[str, int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trading.commission.known", lambda *_: None)
    pair |= {"account_a": login(venue, "1")}
    folder.write(versus_data=waiting(**NO_MONEY | stops | pair | {"symbol": SYMBOL}))
    said = folder.run("--user", make_user("trading.run_versus").username)
    versus = Versus.objects.get()
    of_a_pip = 10 * versus.lots
    assert (versus.sl_a, versus.tp_a) == (20 * of_a_pip, 40 * of_a_pip)
    assert (versus.sl_b, versus.tp_b) == (20 * of_a_pip, 40 * of_a_pip)
    assert "reports a tick value of exactly 1" in said


def test_an_agent_that_does_not_answer_has_its_versus_skipped(
    folder: Folder, venue: Venue, pair: dict[str, int]
) -> None:
    venue.member("2").enter("unreadable")
    folder.write(versus_data=waiting(**NO_MONEY | pair | {"symbol": "NOSUCH"}, sl_pips=20))
    said = folder.run("--user", make_user("trading.run_versus").username)
    assert "The broker of this account has no symbol NOSUCH." in said
    assert not Versus.objects.exists()


def test_a_symbol_without_the_size_of_a_pip_is_not_guessed(
    folder: Folder, pair: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from msgspec.structs import replace

    def blind(account: Account, symbol: str) -> object:
        return replace(fresh(account, symbol), pip_size=None)

    fresh = quotes.fresh
    monkeypatch.setattr("trading.original.stops.quotes.fresh", blind)
    folder.write(versus_data=waiting(**NO_MONEY | pair, sl_pips=20))
    said = folder.run("--user", make_user("trading.run_versus").username)
    assert "does not say how large a pip of EURUSD is" in said
    assert issubclass(sizing.Unknown, sizing.Refused)


@pytest.mark.both_databases
def test_trades_of_the_cache_are_completed_and_not_doubled_by_a_later_sync(
    folder: Folder, venue: Venue
) -> None:
    """The cache holds what the agent said a while ago: all but its newest trade."""
    endpoint, number = venue.endpoint("1"), login(venue, "1")
    told = httpx.get(f"{endpoint.url}/trade-history?days=365", trust_env=False).json()
    assert len(told["trades"]) > 1
    folder.agents([{"name": "VPS 1", "url": endpoint.url}])
    folder.write(phases={number: "F2"}, trade_cache=cached(number, *told["trades"][1:]))
    folder.run()
    poll(*Agent.objects.all())
    account = Account.objects.select_related("agent").get()
    taken = dict(account.closed_trades.values_list("position_id", "pk"))
    assert len(taken) == len(told["trades"]) - 1

    assert syncing.sync(account).ok

    after = dict(account.closed_trades.values_list("position_id", "pk"))
    assert taken.items() <= after.items()
    assert {trade["position_id"] for trade in told["trades"]} <= set(after)
    folder.run()
    assert account.closed_trades.count() == len(after)
