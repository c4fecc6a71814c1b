"""One login at two brokers: an account is a login at a server."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts import conflicts, wording
from accounts.agents import AccountReading, Reading
from accounts.conflicts import Unsettled
from accounts.models import Account, Agent, Conflict
from accounts.polling import poller
from accounts.polling.ownership import sort_claims
from accounts.polling.writes import Writes
from tests.factories import make_account, make_online_agent, make_trade
from tests.polling.ticks import poll
from tests.scripted_fleet import ScriptedFleet, told
from tests.venue import Venue

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
N = 4711
OWN, OTHER, OFF = (Agent(pk=pk, name=str(pk), enabled=pk != 3) for pk in (1, 2, 3))
TWO, LOGIN, SERVER, UNCLEAR = (
    *(Conflict.Kind.TWO_AGENTS, Conflict.Kind.OTHER_LOGIN),
    *(Conflict.Kind.OTHER_SERVER, Conflict.Kind.UNCLEAR),
)


def row(agent: Agent | None, server: str, number: int = N) -> Account:
    return Account(pk=hash((agent and agent.pk, server, number)) % 10_000, number=number,
                   server=server, agent=agent)  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "server", "verdict"),
    [
        # Contract 2: login and server say which.
        ([], "A", "new"),
        ([row(OTHER, "A")], "B", "new"),
        ([row(OTHER, "A")], "A", TWO),
        ([row(OTHER, "A")], "a", TWO),
        ([row(OFF, "A")], "A", "adopted"),
        ([row(None, "A")], "B", "new"),
        ([row(OWN, "A")], "A", "own"),
        ([row(OWN, "A"), row(OTHER, "B")], "A", "own"),
        # What is not known may be it.
        ([row(OTHER, "")], "A", TWO),
        ([row(OTHER, "B"), row(OTHER, "")], "A", TWO),
        ([row(None, "")], "A", "adopted"),
        ([row(OTHER, "B"), row(None, "")], "A", UNCLEAR),
        # The same agent, over the other contract.
        ([row(OWN, "")], "A", "own"),
        ([row(OWN, "A")], "", "own"),
        ([row(OWN, ""), row(OTHER, "A")], "A", TWO),
        # Another server at the same agent.
        ([row(OWN, "A")], "B", SERVER),
        ([row(OWN, "A"), row(OTHER, "B")], "B", TWO),
        ([row(OWN, "A"), row(None, "B")], "B", LOGIN),
        # Contract 1 tells no server.
        ([], "", "new"),
        ([row(OTHER, "A")], "", TWO),
        ([row(OTHER, "")], "", TWO),
        ([row(OFF, "A")], "", "adopted"),
        ([row(None, "A"), row(None, "B")], "", UNCLEAR),
        ([row(OWN, "A"), row(OTHER, "B")], "", "own"),
        ([row(OWN, "", 1)], "A", LOGIN),
    ],
)
def test_what_an_agent_reports_is_matched_by_login_and_server(
    rows: list[Account], server: str, verdict: str | Conflict.Kind
) -> None:
    told = AccountReading(
        number=N, name="", balance=Decimal(1), connected=True, days_operating=1,
        has_open_position=False, positions=(), server=server,
    )  # fmt: skip
    reading = Reading((told,), is_list=False)
    own = [account for account in rows if account.agent == OWN]
    claims = sort_claims(OWN, reading, own, {N: [one for one in rows if one.number == N]})
    if isinstance(verdict, Conflict.Kind):
        assert claims.disputed == {N: (verdict, server)}
        assert [claims.own, claims.new, claims.adopted] == [[], [], []]
    else:
        assert not claims.disputed
        assert len(getattr(claims, verdict)) == 1


def test_the_database_keeps_one_account_a_login_and_server() -> None:
    make_account(number=N, server="A")
    make_account(number=N, server="B")
    first = make_account(number=N)
    refused: Iterable[dict[str, Any]] = (
        {"server": "A"},
        {"server": ""},
        {"server": "C", "agent": first.agent},
    )
    for columns in refused:
        with pytest.raises(IntegrityError), transaction.atomic():
            make_account(number=N, **columns)


def test_what_names_an_account_names_no_other() -> None:
    alone = make_account(number=N + 1)
    assert (alone.title, alone.key, alone.row) == ("4712", "4712", 4712)
    shared = [make_account(number=N, server=server) for server in ("A", "B", "")]
    for account in shared:
        account.refresh_from_db()
    for name in ("title", "key", "row"):
        assert len({getattr(account, name) for account in shared}) == 3
    assert shared[0].title == "4711 (A)"
    assert shared[2].title == f"4711 (agent {shared[2].agent})"


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path, 6) as venue:
        yield venue


def agent_of(venue: Venue, name: str) -> Agent:
    endpoint = venue.endpoint(name)
    agent = make_online_agent(name=f"vps-{name}", url=endpoint.url, contract=endpoint.contract)
    agent.set_secret((endpoint.secret or b"").decode())
    agent.save(update_fields=["secret_encrypted"])
    return agent


def read(*agents: Agent) -> None:
    rows = Agent.objects.in_bulk([agent.pk for agent in agents])
    list(poller.refresh(rows.values()))


def test_two_agents_at_two_servers_have_an_account_each(venue: Venue) -> None:
    venue.steer("2", login=f"{N}@Alpha-Live")
    venue.steer("4", login=f"{N}@Beta-Live")
    first, second = agent_of(venue, "2"), agent_of(venue, "4")
    read(first, second)
    read(first, second)
    rows = Account.objects.order_by("server").values_list("number", "server", "agent")
    assert list(rows) == [(N, "Alpha-Live", first.pk), (N, "Beta-Live", second.pk)]
    assert not Conflict.objects.exists()
    assert set(Agent.objects.values_list("status", flat=True)) == {"online"}
    assert all(Account.objects.values_list("shares_number", flat=True))


def test_the_same_login_and_server_at_two_agents_is_a_conflict(venue: Venue) -> None:
    for name in ("2", "4"):
        venue.steer(name, login=f"{N}@Alpha-Live")
    first, second = agent_of(venue, "2"), agent_of(venue, "4")
    read(first)
    read(second)
    assert Account.objects.get().agent == first
    conflict = Conflict.objects.get()
    assert (conflict.agent, conflict.kind, conflict.server) == (second, TWO, "Alpha-Live")


def test_an_account_without_a_server_gains_it_over_contract_2_in_the_same_row(
    venue: Venue,
) -> None:
    agent = agent_of(venue, "2")
    number = venue.member("2").terminal.account.login
    before = make_account(number=number, agent=agent)
    read(agent)
    after = Account.objects.get()
    assert after.pk == before.pk
    assert after.server == venue.member("2").terminal.account.firm.server


def test_another_server_at_an_agent_is_a_new_account_unless_settled_as_renamed(
    venue: Venue,
) -> None:
    agent = agent_of(venue, "2")
    venue.steer("2", login=f"{N}@Alpha-Live")
    read(agent)
    (account,) = Account.objects.all()
    venue.steer("2", login=f"{N}@Alpha-Live 2")
    read(agent)
    conflict = Conflict.objects.get()
    assert (conflict.kind, conflict.server) == (SERVER, "Alpha-Live 2")
    account.refresh_from_db()
    assert account.server == "Alpha-Live"

    conflicts.settle_as_renamed(conflict)
    read(agent)
    account.refresh_from_db()
    assert (account.server, account.agent) == ("Alpha-Live 2", agent)
    assert not Conflict.objects.exists()

    venue.steer("2", login=f"{N}@Gamma-Live")
    read(agent)
    conflicts.settle_for(Conflict.objects.get())
    read(agent)
    owners = dict(Account.objects.values_list("server", "agent"))
    assert owners == {"Alpha-Live 2": None, "Gamma-Live": agent.pk}


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_two_agents_of_contract_1_a_person_says_that_it_is_another_account(
    fleet: ScriptedFleet,
) -> None:
    first, second = fleet.make_agents(2)
    del fleet.replies[2]
    poll()
    mine = Account.objects.get()
    trade = make_trade(mine)
    fleet.replies[2] = told(1, balance=5.0)
    poll()
    added = conflicts.settle_as_another(Conflict.objects.get())
    poll()
    poll()
    assert not Conflict.objects.exists()
    owners = dict(Account.objects.values_list("agent", "balance"))
    assert owners == {first.pk: 100_000, second.pk: 5}
    assert (added.number, added.server) == (1, "")
    trade.refresh_from_db()
    assert trade.account == mine, "no history is mixed"


def test_a_server_entered_on_an_agent_of_contract_1_tells_its_account_apart(
    fleet: ScriptedFleet,
) -> None:
    fleet.make_agents(2)
    fleet.replies = {1: told(7), 2: told(7, balance=5.0)}
    for name, server in (("vps-0001", "Alpha-Live"), ("vps-0002", "Beta-Live")):
        Agent.objects.filter(name=name).update(server=server)
    poll()
    rows = dict(Account.objects.values_list("server", "balance"))
    assert rows == {"Alpha-Live": 100_000, "Beta-Live": 5}
    assert not Conflict.objects.exists()


def test_a_conflict_that_may_be_of_several_accounts_is_given_to_none() -> None:
    for server in ("A", "B"):
        make_account(number=N, server=server, agent=None)
    columns = {"number": N, "kind": UNCLEAR, "since": timezone.now()}
    conflict = Conflict.objects.create(agent=make_online_agent(), **columns)
    with pytest.raises(Unsettled, match="Several accounts have number 4711"):
        conflicts.settle_for(conflict)
    conflicts.settle_as_another(conflict)
    assert Account.objects.filter(number=N).count() == 3


def test_an_account_of_another_server_is_not_shown_as_disputed() -> None:
    from accounts.fleet.query import flagged

    for server in ("A", "B"):
        make_account(number=N, server=server)
    columns = {"number": N, "kind": TWO, "since": timezone.now()}
    Conflict.objects.create(agent=make_online_agent(), server="A", **columns)
    shown = {row.server: row.in_conflict for row in flagged(Account.objects.for_rows())}
    assert shown == {"A": True, "B": False}


def test_one_plan_adds_a_second_account_of_a_login_unless_one_came_meanwhile(
    fleet: ScriptedFleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is here already, and that is no reason to make the plan again for ever."""
    held: list[bool] = []
    hold = Writes.hold

    def once_more(writes: Writes) -> bool:
        held.append(hold(writes))
        assert len(held) < 5, "it was planned again and again"
        return held[-1]

    monkeypatch.setattr(Writes, "hold", once_more)
    make_account(number=7, server="Alpha-Live")
    fleet.make_agents(1, server="Beta-Live")
    fleet.replies = {1: told(7)}
    poll()
    assert set(Account.objects.values_list("number", "server")) == {
        (7, "Alpha-Live"),
        (7, "Beta-Live"),
    }
    assert all(held), held


def test_a_sentence_about_accounts_tells_those_of_one_login_apart() -> None:
    twins = [make_account(number=N, server=server) for server in ("B", "A")]
    Account.objects.mark_shared([N])
    chosen = list(Account.objects.filter(number=N)) + [make_account(number=12)]
    assert wording.numbers(chosen) == f"12, {N} (B) and {N} (A)", twins
