"""The fleet page: what the URL asks for is what is shown."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.fleet.column import on_page, sorts
from accounts.fleet.columns import FLEET
from accounts.models import Account, Agent, Conflict, Phase, VSGroup
from tests.factories import make_account, make_agent, make_firm, make_online_agent
from tests.pages.reading import cell, numbers, text, words


def make_many(count: int) -> None:
    """As real as it matters: agents, firms, groups, all different rows."""
    phases, firms = list(Phase.objects.all()), [make_firm(max_drawdown_pct=10) for _ in range(4)]
    now = timezone.now()
    agents = Agent.objects.bulk_create(
        Agent(name=f"a{i}", url=f"http://10.0.0.1/{i}", status="online", last_seen_at=now)
        for i in range(count)
    )
    groups = VSGroup.objects.bulk_create(VSGroup(name=f"VS{i}") for i in range(count // 4))
    Account.objects.bulk_create(
        Account(
            number=1_000_000 + i,
            holder=f"Holder {i}",
            agent=agents[i],
            phase=phases[i % 4],
            firm=firms[i % 4],
            vs_group=groups[i // 2] if i // 2 < len(groups) else None,
            vs_slot="AB"[i % 2] if i // 2 < len(groups) else "",
            balance=Decimal(100_000 + i),
            equity=Decimal(99_000),
            floating=Decimal(-5),
            initial_balance=Decimal(100_000),
            connected=True,
            open_positions=i % 3,
        )
        for i in range(count)
    )


def count_queries(client: Client, url: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def test_the_number_of_queries_does_not_grow_with_the_fleet(viewer: Client) -> None:
    make_many(69)
    at_69 = count_queries(viewer, "/")
    Account.objects.all().delete()
    Agent.objects.all().delete()
    VSGroup.objects.all().delete()
    make_many(1000)
    assert count_queries(viewer, "/") == at_69 == 10
    assert count_queries(viewer, "/?sort=-left&near=1&q=holder&page=2") == at_69


def test_shows_a_hundred_accounts_a_page(viewer: Client) -> None:
    make_many(130)
    first, second = viewer.get("/"), viewer.get("/?page=2")
    assert len(numbers(first)) == 100
    assert len(numbers(second)) == 30
    assert not set(numbers(first)) & set(numbers(second))
    assert "1 to 100 of 130" in text(first)


def test_shows_every_figure_of_a_row(viewer: Client) -> None:
    firm = make_firm("Prime Desk", max_drawdown_pct=10)
    make_account(
        number=7001,
        name="Challenge 100K",
        holder="Ana Ruiz",
        firm=firm,
        agent=make_online_agent(name="vps-7"),
        balance=Decimal("98250.10"),
        equity=Decimal("97000.10"),
        floating=Decimal("-1250.00"),
        days_operating=12,
        open_positions=2,
    )
    page = text(viewer.get("/"))
    shown = {column.key: cell(page, 7001, column.key) for column in on_page(FLEET)}
    assert shown == {
        "number": "7001",
        "name": "Challenge 100K",
        "holder": "Ana Ruiz",
        "firm": "Prime Desk",
        "phase": "F1",
        "vs": "–",
        "balance": "98,250.10",
        "equity": "97,000.10",
        "floating": "-1,250.00",
        "pl": "-1,749.90",
        "pl_pct": "-1.75%",
        "used": "30%",
        "left": "7,000.10",
        "days": "12",
        "open": "2",
        "agent": "vps-7",
        "state": "Online",
        "age": "0 s",
    }


def test_unknown_is_a_dash_and_never_a_zero(viewer: Client) -> None:
    names = ("equity", "floating", "days_operating", "open_positions", "initial_balance")
    make_account(number=7002, balance=Decimal(5), **dict.fromkeys(names))
    page = text(viewer.get("/"))
    for name in ("equity", "floating", "pl", "pl_pct", "used", "left", "days", "open"):
        assert cell(page, 7002, name) == "–", name


def test_zero_is_shown_as_zero(viewer: Client) -> None:
    make_account(number=7003, balance=Decimal(0), initial_balance=Decimal(100), days_operating=0)
    page = text(viewer.get("/"))
    assert (cell(page, 7003, "balance"), cell(page, 7003, "days")) == ("0.00", "0")


@pytest.mark.both_databases
@pytest.mark.parametrize("q", ["8123", "ruiz", "RUIZ ana", "desk", "stellar", "vps-q", "812 desk"])
def test_search_finds_by_number_holder_firm_name_and_agent(viewer: Client, q: str) -> None:
    make_account(
        number=98123,
        holder="Ana Ruiz",
        name="Stellar 50K",
        firm=make_firm("Prime Desk"),
        agent=make_online_agent(name="vps-q"),
    )
    make_account(number=70000, holder="Luis", name="Express")
    assert numbers(viewer.get("/", {"q": q})) == [98123]


@pytest.mark.both_databases
def test_an_agent_that_is_not_enabled_is_in_no_other_state(viewer: Client) -> None:
    account = make_account(agent=make_online_agent(enabled=False))
    page = text(viewer.get("/"))
    assert cell(page, account.number, "state") == "Not enabled"
    assert numbers(viewer.get("/?state=disabled")) == [account.number]
    assert numbers(viewer.get("/?state=online")) == []


@pytest.mark.both_databases
def test_every_filter_keeps_what_it_names(viewer: Client) -> None:
    firm = make_firm("Alfa", max_drawdown_pct=10)
    group = VSGroup.objects.create(name="VS1")
    near = make_account(
        phase=Phase.objects.get(name="R"),
        firm=firm,
        equity=Decimal(91_500),
        open_positions=1,
        vs_group=group,
        vs_slot="A",
    )
    other = make_account(agent=make_agent(status="timeout"))
    lost = make_account(connected=False, open_positions=None)
    orphan = make_account(agent=None)
    everyone = [near.number, other.number, lost.number, orphan.number]

    def shown(query: str) -> list[int]:
        return numbers(viewer.get(f"/?{query}"))

    assert shown("phase=R") == shown("firm=Alfa") == shown("vs=VS1") == [near.number]
    assert shown("near=1") == shown("open=yes") == shown("vs=*") == [near.number]
    assert shown("open=unknown") == [lost.number]
    assert shown("open=no") == [other.number, orphan.number]
    assert shown("vs=-") == shown("firm=-") == everyone[1:]
    assert shown("state=online") == shown("state=fresh") == [near.number]
    assert shown("state=timeout") == [other.number]
    assert shown("state=disconnected") == [lost.number]
    assert shown("state=unknown") == [orphan.number]
    assert shown("state=stale") == everyone[1:]
    assert shown("state=disabled") == []
    assert shown("phase=F1&state=timeout") == [other.number]
    assert shown("") == everyone


@pytest.mark.both_databases
@pytest.mark.parametrize("name", sorts(FLEET))
def test_sorts_by_every_column_both_ways_and_keeps_the_unknown_last(
    viewer: Client, name: str
) -> None:
    firms = [make_firm(name, max_drawdown_pct=10) for name in ("Alfa", "Beta")]
    groups = [VSGroup.objects.create(name=name) for name in ("VS2", "VS10")]
    now = timezone.now()
    for i in range(2):
        make_account(
            number=100 + i,
            name=f"n{i}",
            holder=f"h{i}",
            firm=firms[i],
            phase=Phase.objects.get(name=["F1", "R"][i]),
            vs_group=groups[i],
            vs_slot="A",
            agent=make_online_agent(name=f"vps-{i}", last_seen_at=now - timedelta(seconds=i)),
            balance=Decimal(100 + i),
            equity=Decimal(90 - i) if name == "used" else Decimal(90 + i),
            floating=Decimal(i),
            initial_balance=Decimal(100),
            days_operating=i,
            open_positions=i,
        )
    blank = ("balance", "equity", "floating", "initial_balance", "open_positions")
    make_account(number=999, agent=None, phase=None, **dict.fromkeys(blank))
    assert numbers(viewer.get(f"/?sort={name}")) == [100, 101, 999]
    if name not in ("number", "state"):
        assert numbers(viewer.get(f"/?sort=-{name}")) == [101, 100, 999]


@pytest.mark.both_databases
def test_sorted_by_vs_group_the_pair_stands_side_by_side_either_way(viewer: Client) -> None:
    groups = [VSGroup.objects.create(name=f"VS{n}") for n in (1, 2)]
    for number, group, slot in [(1, 0, "B"), (2, 1, "A"), (3, 0, "A"), (4, 1, "B")]:
        make_account(number=number, vs_group=groups[group], vs_slot=slot)
    assert numbers(viewer.get("/?sort=vs")) == [3, 1, 2, 4]
    assert numbers(viewer.get("/?sort=-vs")) == [2, 4, 3, 1]


BAD = [
    "page=abc",
    "page=0",
    "page=-1",
    "page=99",
    "page=٣",
    "sort=evil",
    "sort=--pl",
    "state=on",
    "open=2",
    "near=yes",
]


@pytest.mark.parametrize("query", BAD)
def test_a_parameter_that_means_nothing_is_said_and_left_out(viewer: Client, query: str) -> None:
    make_account(number=7004)
    response = viewer.get(f"/?{query}")
    assert response.status_code == 200
    assert numbers(response) == [7004]
    assert "There is no " in text(response)


@pytest.mark.both_databases
@pytest.mark.parametrize("query", ["q=%00", "q=%F0%9F", "phase=%00", "page=" + "9" * 500, "q=%25_"])
def test_no_query_breaks_the_page(viewer: Client, query: str) -> None:
    make_account()
    assert viewer.get(f"/?{query}").status_code == 200


def test_a_label_that_is_gone_still_shows_in_its_filter(viewer: Client) -> None:
    make_account()
    page = text(viewer.get("/?phase=Gone"))
    assert '<option value="Gone" selected>Gone</option>' in page
    assert "No account matches" in page


def test_an_empty_fleet_says_how_accounts_come(viewer: Client) -> None:
    page = text(viewer.get("/"))
    assert "No accounts yet" in page
    assert "import_agents" in page


def test_links_keep_the_rest_of_the_url(viewer: Client) -> None:
    make_account(holder="Ana")
    page = text(viewer.get("/?phase=F1&q=ana&sort=-balance"))
    assert 'href="?q=ana&amp;phase=F1&amp;sort=-equity"' in page
    assert 'href="?q=ana&amp;phase=F1&amp;sort=balance"' in page
    assert 'data-query="phase=F1&amp;q=ana&amp;sort=-balance"' in page


def test_the_sorted_column_is_announced(viewer: Client) -> None:
    make_account()
    page = text(viewer.get("/?sort=-pl"))
    assert '<th scope="col" data-cell="pl" aria-sort="descending">' in page
    assert page.count("aria-sort") == 1


def test_conflicts_are_flagged_on_the_row_and_in_a_banner(viewer: Client) -> None:
    owner, rival = make_online_agent(name="first"), make_online_agent(name="second")
    disputed, calm = make_account(agent=owner), make_account(agent=rival)
    moved = make_account(agent=make_online_agent(name="third"))
    now = timezone.now()
    Conflict.objects.create(agent=rival, number=disputed.number, kind="two-agents", since=now)
    Conflict.objects.create(agent=moved.agent, number=42, kind="other-login", since=now)
    page = text(viewer.get("/"))
    flagged = [a.number for a in (disputed, calm, moved) if "⚠" in cell(page, a.number, "number")]
    assert flagged == [disputed.number, moved.number]
    assert f"second also reports account {disputed.number}" in words(page)


def test_a_stale_row_is_marked_and_a_fresh_one_is_not(viewer: Client) -> None:
    make_account(number=1)
    make_account(number=2, agent=make_agent(status="offline"))
    page = text(viewer.get("/"))
    marked = [n for n in (1, 2) if "data-stale class" in page.split(f'id="account-{n}"')[1][:160]]
    assert marked == [2]
