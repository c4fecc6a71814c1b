"""Orders without a usable result: what the terminal's own records say of them."""

from pathlib import Path
from typing import Any

import pytest

from agent.constants import Constants
from agent.orders.journal import Journal
from agent.records import TradeDeal, TradeOrder
from agent.simulated.terminal import SimulatedTerminal
from tests.agent.trading import TradingDesk


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


class Killed(BaseException):
    """The process ends here."""


async def killed(desk: TradingDesk, body: dict[str, Any]) -> None:
    """The agent dies while the order is being sent."""
    with pytest.raises(Killed):
        await desk.post(body)


def killing(monkeypatch: pytest.MonkeyPatch, where: type, name: str, *, after: bool) -> None:
    """The process ends right before, or right after, a call of `where.name`."""
    real = getattr(where, name)

    def dying(self: object, *arguments: object) -> object:
        if after:
            real(self, *arguments)
        monkeypatch.setattr(where, name, real)
        raise Killed

    monkeypatch.setattr(where, name, dying)


async def test_a_lost_result_is_found_at_once(desk: TradingDesk) -> None:
    desk.fault("lost")
    answer = await desk.placed()
    assert (answer["outcome"], answer["recovered"], answer["retcode"]) == ("done", True, None)
    (position,) = desk.account.positions.values()
    assert (answer["position"], answer["price"]) == (position.ticket, position.price)
    assert answer["evidence"]["conclusion"] == "found"


async def test_a_late_execution_is_unknown_until_it_shows(desk: TradingDesk) -> None:
    desk.fault("late", 30)
    body = desk.body()
    early = (await desk.post(body)).json()
    assert (early["outcome"], early["retcode_name"]) == ("unknown", "TIMEOUT")
    assert early["evidence"]["conclusion"] == "absent"
    desk.clock.turn(29)
    assert (await desk.record(body["tag"]))["outcome"] == "unknown"
    desk.clock.turn(2)
    late = await desk.record(body["tag"])
    assert (late["outcome"], late["recovered"]) == ("done", True)
    assert late["position"] in desk.account.positions
    # Found once, it stays what it is, whatever becomes of the position.
    await desk.changed("close", late["position"])
    assert await desk.record(body["tag"]) == late
    assert (await desk.post(body)).json() == late


async def test_what_never_executed_stays_unknown_with_evidence(desk: TradingDesk) -> None:
    desk.fault("never")
    body = desk.body()
    await desk.post(body)
    for _ in range(3):
        desk.clock.turn(3_600)
        desk.restart()
        record = await desk.record(body["tag"])
        assert record["outcome"] == "unknown"
        evidence = record["evidence"]
        assert evidence["conclusion"] == "absent"
        assert (evidence["login"], evidence["server"]) == (record["login"], record["server"])
        counts = [evidence[name] for name in ("positions", "working", "orders", "deals")]
        assert counts == [0, 0, 0, 0]
    assert len(desk.sends()) == 1


@pytest.mark.parametrize("fault", ["lost", "lost-altered"])
@pytest.mark.parametrize("kind", ["open", "close", "modify"])
@pytest.mark.parametrize("hedging", [True, False])
async def test_an_order_is_found_after_the_agent_died_right_after_sending(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch, kind: str, fault: str, hedging: bool
) -> None:
    desk.account.hedging = hedging
    ticket = (await desk.placed())["position"]
    body = desk.body(volume=0.2) if kind == "open" else desk.change(kind, ticket)
    if kind == "modify":
        body["tp"] = 9.0
    desk.fault(fault)
    killing(monkeypatch, SimulatedTerminal, "order_send", after=True)
    await killed(desk, body)
    desk.restart()
    assert desk.agent.desk is not None
    assert await desk.agent.desk.recover() == 1
    assert await desk.agent.desk.recover() == 0
    record = await desk.record(body["tag"])
    assert (record["outcome"], record["recovered"]) == ("done", True)
    assert record["volume"] == {"open": 0.2, "close": 0.1, "modify": None}[kind]
    assert record["position"] == (ticket if kind != "open" or not hedging else record["order"])
    assert desk.most_sends() == 1


@pytest.mark.parametrize(
    ("where", "name", "after"),
    [
        (Journal, "begin", False),
        (Journal, "begin", True),
        (SimulatedTerminal, "order_send", False),
    ],
)
async def test_an_order_that_was_begun_and_not_sent_is_never_sent(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch, where: type, name: str, after: bool
) -> None:
    body = desk.body()
    killing(monkeypatch, where, name, after=after)
    await killed(desk, body)
    desk.restart()
    desk.clock.turn(1)
    again = (await desk.post(body)).json()
    if (name, after) == ("begin", False):
        assert again["outcome"] == "done"  # the tag had never reached the journal
        assert len(desk.sends()) == 1
    else:
        assert (again["outcome"], again["state"]) == ("unknown", "ended")
        assert again["evidence"]["conclusion"] == "absent"
        assert desk.sends() == []


async def test_a_part_that_was_executed_is_found_as_a_part(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.fault("partial")
    killing(monkeypatch, SimulatedTerminal, "order_send", after=True)
    body = desk.body(volume=0.5)
    await killed(desk, body)
    desk.restart()
    record = await desk.record(body["tag"])
    assert (record["outcome"], record["volume"]) == ("partial", 0.25)


async def test_absence_is_not_concluded_from_what_cannot_be_read(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.fault("never")
    tag = (await desk.placed())["tag"]
    desk.terminal.positions_fail = True
    assert (await desk.record(tag))["evidence"]["conclusion"] == "unreadable"
    desk.terminal.positions_fail = False
    desk.terminal.connected = False
    assert (await desk.record(tag))["evidence"]["conclusion"] == "unreadable"
    desk.terminal.connected = True
    monkeypatch.setattr(SimulatedTerminal, "history_deals_get", lambda self, since, until: None)
    record = await desk.record(tag)
    assert record["evidence"]["conclusion"] == "unreadable"
    assert record["evidence"]["deals"] is None


async def test_an_order_is_not_looked_for_on_another_login(desk: TradingDesk) -> None:
    desk.fault("late", 5)
    tag = (await desk.placed())["tag"]
    desk.clock.turn(6)
    mine = desk.terminal.account
    desk.terminal.account = desk.terminal.world.account_for(777, mine.index)
    record = await desk.record(tag)
    assert (record["outcome"], record["evidence"]["conclusion"]) == ("unknown", "another-login")
    desk.terminal.account = mine
    assert (await desk.record(tag))["outcome"] == "done"


async def test_a_close_of_a_position_that_something_else_closed_has_succeeded(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticket = (await desk.placed())["position"]
    real = SimulatedTerminal.order_send

    def too_late(self: SimulatedTerminal, request: dict[str, Any]) -> Any:
        # A stop-loss is reached between the last look and the order.
        self.account.close(self.account.positions[ticket], int(desk.clock()), reason=4)
        return real(self, request)

    monkeypatch.setattr(SimulatedTerminal, "order_send", too_late)
    answer = await desk.changed("close", ticket)
    assert (answer["retcode_name"], answer["outcome"]) == ("POSITION_CLOSED", "done")
    assert (answer["external"], answer["volume"]) == (True, 0.1)


async def test_a_modify_of_a_position_that_is_gone_is_rejected(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    desk.fault("gone")
    answer = await desk.changed("modify", ticket, tp=9.0)
    assert (answer["retcode_name"], answer["outcome"]) == ("POSITION_CLOSED", "rejected")


async def test_levels_that_are_not_there_prove_nothing(desk: TradingDesk) -> None:
    ticket = (await desk.placed())["position"]
    desk.fault("late", 5)
    body = desk.change("modify", ticket, tp=9.0)
    assert (await desk.post(body)).json()["outcome"] == "unknown"
    desk.clock.turn(6)
    assert (await desk.record(body["tag"]))["outcome"] == "done"


def deal(desk: TradingDesk, **changes: Any) -> TradeDeal:
    (first,) = (d for d in desk.account.deals if d.magic == 1_001)
    return first._replace(**changes)


async def test_two_orders_with_the_same_marks_are_ambiguous(desk: TradingDesk) -> None:
    desk.fault("late", 5)
    tag = (await desk.placed())["tag"]
    desk.clock.turn(6)
    desk.terminal.world.advance()
    desk.account.deals.append(deal(desk, ticket=5, order=5))
    record = await desk.record(tag)
    assert (record["outcome"], record["evidence"]["conclusion"]) == ("unknown", "ambiguous")


async def test_a_part_is_not_final_before_the_order_is_in_the_history(desk: TradingDesk) -> None:
    desk.fault("late", 5)
    tag = (await desk.placed(volume=0.3))["tag"]
    desk.clock.turn(6)
    desk.terminal.world.advance()
    orders, desk.account.orders = desk.account.orders, []
    whole = deal(desk)
    desk.account.deals[-1] = whole._replace(volume=0.1)
    assert (await desk.record(tag))["evidence"]["conclusion"] == "working"
    desk.account.deals.append(whole._replace(ticket=whole.ticket + 1, volume=0.1, price=1.2))
    assert (await desk.record(tag))["evidence"]["conclusion"] == "working"
    desk.account.orders = orders
    record = await desk.record(tag)
    assert (record["outcome"], record["volume"]) == ("partial", 0.2)
    assert record["price"] == pytest.approx((whole.price + 1.2) / 2)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [(Constants.ORDER_STATE_REJECTED, "rejected"), (Constants.ORDER_STATE_FILLED, "unknown")],
)
async def test_an_order_in_the_history_without_deals(
    desk: TradingDesk, state: int, outcome: str
) -> None:
    """Ended unexecuted it is proof; filled, its deals are yet to be seen."""
    desk.fault("never")
    answer = await desk.placed()
    left = 0.1 if outcome == "rejected" else 0.0
    zero: dict[str, Any] = dict.fromkeys(TradeOrder._fields, 0)
    now = int(desk.clock()) + desk.account.firm.offset
    told = {"symbol": "EURUSD", "comment": "", "magic": 1_001, "state": state, "time_setup": now}
    volumes = {"volume_initial": 0.1, "volume_current": left}
    desk.account.orders.append(TradeOrder(**(zero | told | volumes)))
    record = await desk.record(answer["tag"])
    assert record["outcome"] == outcome
    assert record["evidence"]["conclusion"] == ("found" if outcome == "rejected" else "working")


async def test_a_result_without_price_or_deal_is_completed_from_the_records(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = SimulatedTerminal.order_send

    def bare(self: SimulatedTerminal, request: dict[str, Any]) -> Any:
        answer = real(self, request)
        return answer and answer._replace(deal=0, price=0.0)

    monkeypatch.setattr(SimulatedTerminal, "order_send", bare)
    answer = await desk.placed()
    assert (answer["outcome"], answer["retcode_name"]) == ("done", "DONE")
    (position,) = desk.account.positions.values()
    assert (answer["price"], answer["deal"]) == (position.price, position.ticket)


async def test_a_terminal_that_fails_while_sending_is_unknown_and_searched(
    desk: TradingDesk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: SimulatedTerminal, request: dict[str, Any]) -> Any:
        raise OSError("the pipe broke")

    monkeypatch.setattr(SimulatedTerminal, "order_send", broken)
    answer = await desk.placed()
    assert (answer["outcome"], answer["retcode"]) == ("unknown", None)
    assert "the pipe broke" in answer["message"]
    assert "Traceback" in caplog.text
