"""Every name of a symbol goes to the agents that users install, and comes back, as it is."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from accounts.agents import AgentClient, NotSent, SymbolUnknown, symbol_name
from accounts.agents.presend import proves_nothing_sent
from tests.agents.conftest import MakeClient
from tests.agents.orders import order, soon
from tests.odd_symbols import NAMES, offer
from tests.venue import Venue

UNSPEAKABLE = [
    ("EUR\0USD", "EUR\\u0000USD"),
    ("EUR\nUSD", "EUR\\u000aUSD"),
    ("EUR\u202eUSD", "EUR\\u202eUSD"),
    ("EUR\u2028USD", "EUR\\u2028USD"),
]


@pytest.fixture
def venue(tmp_path: Path) -> Iterator[Venue]:
    with Venue(tmp_path) as venue:
        offer(venue.member("1"))
        yield venue


@pytest.fixture
async def agents(make_client: MakeClient) -> AgentClient:
    return make_client(trade_deadline=20.0, deadline=10.0)


def test_there_are_enough_of_them_and_all_are_names() -> None:
    assert len(set(NAMES)) == len(NAMES) >= 40
    assert [name for name in NAMES if symbol_name.kept(name) != name] == []


async def test_agents_of_contract_2_quote_and_trade_all_of_them(
    agents: AgentClient, venue: Venue
) -> None:
    at = venue.endpoint("2")
    for number, name in enumerate(NAMES):
        assert (await agents.symbol(at, name)).symbol == name
        asked = venue.asked("2", symbol=name, tag=f"OPEN{number}")
        opened = await agents.trade(at, asked)
        assert opened.outcome == "done", (name, opened)
        reading = await agents.read(at)
        assert reading is not None
        held = {position.ticket: position for position in reading.accounts[0].positions or ()}
        assert opened.position is not None
        assert held[opened.position].symbol == name
        levels = {"position": opened.position, "symbol": name}
        spec = await agents.symbol(at, name)
        assert spec.bid
        moved = venue.asked(
            "2", "modify", tag=f"MOVE{number}", sl=spec.bid - Decimal("0.01"), tp=None, **levels
        )
        assert (await agents.trade(at, moved)).outcome == "done", name
        closed = venue.asked("2", "close", tag=f"CLOSE{number}", **levels)
        assert (await agents.trade(at, closed)).outcome == "done", name
    deals = await agents.deals(at, soon(-3600), soon(60))
    assert set(NAMES) <= {deal.symbol for deal in deals.deals}


async def test_agents_of_contract_1_quote_and_trade_those_that_they_can(
    agents: AgentClient, venue: Venue
) -> None:
    at = venue.endpoint("1")
    for name in NAMES:
        if "/" in name:
            with pytest.raises(SymbolUnknown, match="cannot be asked for a symbol with a slash"):
                await agents.symbol(at, name)
        elif name in (".", ".."):
            with pytest.raises(SymbolUnknown, match="is no name of a symbol"):
                await agents.symbol(at, name)
        else:
            assert (await agents.symbol(at, name)).symbol == name
        opened = await agents.trade(at, venue.asked("1", symbol=name))
        assert opened.outcome == "done", (name, opened)
        reading = await agents.read(at)
        assert reading is not None
        held = {position.ticket: position for position in reading.accounts[0].positions or ()}
        assert opened.position is not None
        assert held[opened.position].symbol == name
        closed = venue.asked("1", "close", symbol=name, position=opened.position)
        assert (await agents.trade(at, closed)).outcome == "done", name


@pytest.mark.parametrize("contract", ["1", "2"])
async def test_those_that_the_broker_does_not_have_are_named(
    agents: AgentClient, venue: Venue, contract: str
) -> None:
    for name in (f"{name[:30]}!" for name in NAMES if "/" not in name):
        with pytest.raises(SymbolUnknown) as unknown:
            await agents.symbol(venue.endpoint(contract), name)
        assert unknown.value.sentence.endswith(f"has no symbol {' '.join(name.split())}.")


async def test_a_refusal_that_names_the_symbol_proves_that_nothing_was_sent(
    agents: AgentClient, venue: Venue
) -> None:
    for name in (f"{name[:30]}!" for name in NAMES):
        answer = await agents.trade(venue.endpoint("1"), venue.asked("1", symbol=name))
        assert answer.outcome == "rejected", (name, answer)
    assert venue.entries("1", "send") == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_another_sentence_proves_nothing(name: str) -> None:
    for text in ("Order failed: symbol {} not found", "Symbol {}X not found", "Symbol {} not not"):
        assert not proves_nothing_sent(text.format(name), order(symbol=name))


@pytest.mark.parametrize(("name", "shown"), UNSPEAKABLE)
def test_a_name_that_cannot_be_shown_is_no_other_symbols_name(name: str, shown: str) -> None:
    assert symbol_name.kept(name) == shown
    assert symbol_name.kept(name + "X" * 40) != symbol_name.kept(name)
    assert len(symbol_name.kept(name + "X" * 40)) <= symbol_name.LONGEST
    assert not symbol_name.is_name(name)


async def test_a_name_that_cannot_be_shown_is_not_traded(venue: Venue, agents: AgentClient) -> None:
    (name, shown), *_ = UNSPEAKABLE
    with pytest.raises(SymbolUnknown):
        await agents.symbol(venue.endpoint("2"), name)
    with pytest.raises(SymbolUnknown):
        await agents.symbol(venue.endpoint("2"), shown)
    with pytest.raises(NotSent):
        await agents.trade(venue.endpoint("2"), venue.asked("2", symbol=shown))
    assert venue.entries("2", "send") == []


def test_of_a_name_of_megabytes_no_more_is_looked_at_than_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def can_stand(char: str) -> bool:
        seen.append(char)
        return char == "x"

    monkeypatch.setattr(symbol_name, "_can_stand", can_stand)
    assert symbol_name.kept("x\x01" * 2_000_000) == "x\\u0001x\\u0001x\\u0001x\\u0001x\\u…"
    assert len(seen) <= 2 * symbol_name.LONGEST
