"""The journal, one order and settling it, the positions of the fleet, the switch."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from accounts.polling import poller
from tests.factories import (
    make_account,
    make_agent,
    make_order,
    make_position,
    make_user,
)
from tests.pages.reading import text, words
from tests.trading.desk import Desk
from trading import orders, reconcile
from trading.exposure import exposure
from trading.models import Order, TradingSwitch
from trading.states import State

VIEW = "accounts.view_account"


def browser(*permissions: str) -> Client:
    client = Client()
    client.force_login(make_user(VIEW, *permissions))
    return client


@pytest.mark.django_db
class TestJournal:
    def test_it_is_filtered_by_state_account_user_and_day(self) -> None:
        now = timezone.now()
        first = make_order(make_account(), symbol="AAA", username="ana", state="filled")
        make_order(
            make_account(), symbol="BBB.cash", username="bea", placed_at=now - timedelta(days=3)
        )
        client, day = browser(), f"{now:%Y-%m-%d}"
        both = text(client.get("/orders/"))
        assert "AAA" in both
        assert "BBB.cash" in both
        for query in ("state=filled", f"account={first.login}", "user=ana", f"day={day}"):
            shown = text(client.get(f"/orders/?{query}"))
            assert "AAA" in shown, query
            assert "BBB.cash" not in shown, query

    @pytest.mark.parametrize("query", ["state=eggs", "account=x", "day=yesterday", "page=99"])
    def test_what_a_query_cannot_mean_is_said(self, query: str) -> None:
        make_order(make_account())
        assert 'role="alert"' in text(browser().get(f"/orders/?{query}"))

    def test_what_needs_somebody_stands_on_top_whatever_is_filtered(self) -> None:
        make_order(make_account(), symbol="LOST", state=State.NEEDS_ATTENTION)
        page = words(text(browser().get("/orders/?state=filled")))
        assert "Somebody has to look at this one" in page
        assert "LOST" in page

    def test_the_last_day_there_is_shows_a_page(self) -> None:
        assert browser().get("/orders/?day=9999-12-31").status_code == 200


def settled_by(client: Client, order: Order, **form: str) -> Order:
    client.post(f"/orders/{order.pk}/settle/", form)
    return Order.objects.get(pk=order.pk)


@pytest.mark.django_db
class TestSettling:
    def lost(self, desk: Desk) -> Order:
        desk.venue.steer("1", next_answer="cut")
        order = desk.send("1")
        reconcile.tend()
        order.refresh_from_db()
        assert order.state == State.NEEDS_ATTENTION
        return order

    def test_the_evidence_is_shown_and_a_person_settles_it_with_a_reason(self, desk: Desk) -> None:
        order = self.lost(desk)
        client = browser("trading.settle_order")
        page = words(text(client.get(f"/orders/{order.pk}/")))
        (execution,) = desk.venue.entries("1", "execution")
        assert f"#{execution['deal'].position_id} BUY 0.1" in page
        assert settled_by(client, order, outcome="filled").state == State.NEEDS_ATTENTION
        assert settled_by(client, order, outcome="queued", reason="x").state == "needs-attention"
        done = settled_by(client, order, outcome="filled", reason="I saw it")
        assert (done.state, done.reason) == (State.FILLED, "I saw it")
        assert settled_by(client, order, outcome="not-executed", reason="no").state == State.FILLED
        assert desk.send("1").state == State.FILLED

    def test_without_the_permission_there_is_no_form_and_no_settling(self, desk: Desk) -> None:
        order = self.lost(desk)
        client = browser("trading.trade")
        assert "settle-reason" not in text(client.get(f"/orders/{order.pk}/"))
        done = settled_by(client, order, outcome="filled", reason="I saw it")
        assert done.state == State.NEEDS_ATTENTION


@pytest.mark.django_db
class TestPositions:
    @pytest.mark.both_databases
    def test_totals_are_of_fresh_figures_and_net_what_is_opposite(self) -> None:
        fresh, stale = make_account(currency="USD"), make_account(agent=make_agent())
        make_position(fresh, volume=Decimal("0.30"), profit=Decimal("5"))
        make_position(fresh, volume=Decimal("0.50"), side="SELL", profit=Decimal("-7"))
        make_position(stale, volume=Decimal("9"), profit=Decimal("100"))
        make_position(fresh, symbol="XAUUSD", profit=Decimal("1"))
        found = exposure(timezone.now())
        euro, gold = found.totals
        assert (euro.symbol, euro.net, euro.side, euro.positions) == (
            "EURUSD",
            Decimal("-0.20"),
            "short",
            2,
        )
        assert (euro.stale, found.stale, found.fresh) == (1, 1, 3)
        assert found.profit.lines == [("USD", Decimal("-1"))]
        assert gold.net == Decimal("0.10")
        page = words(text(browser().get("/positions/")))
        assert "-0.2 short" in page
        assert "1 stale, left out of totals" in page
        only = words(text(browser().get("/positions/?symbol=XAUUSD")))
        assert "EURUSD" not in only


@pytest.mark.django_db
class TestSwitch:
    def test_who_may_stop_stops_everything_with_a_reason(self, trading_on: None) -> None:
        client = browser("trading.stop_trading")
        assert "Trading on" in text(client.get("/orders/"))
        client.post("/trading/switch/", {"turn": "off", "reason": "news"})
        switch = TradingSwitch.objects.get()
        assert (switch.is_on, switch.reason) == (False, "news")
        assert "Trading off" in text(browser("trading.trade").get("/orders/"))
        assert "Trading off" not in text(browser().get("/orders/"))

    def test_it_is_stopped_without_a_reason_but_not_started(self, trading_on: None) -> None:
        client = browser("trading.stop_trading")
        client.post("/trading/switch/", {"turn": "off"})
        assert not TradingSwitch.on().exists()
        client.post("/trading/switch/", {"turn": "on"})
        assert not TradingSwitch.on().exists()
        client.post("/trading/switch/", {"turn": "on", "reason": "over"})
        assert TradingSwitch.on().exists()

    def test_a_copied_database_is_confirmed_by_switching_on_again(self, trading_on: None) -> None:
        TradingSwitch.objects.update(instance="another")
        client = browser("trading.stop_trading")
        assert "copied or restored" in text(client.get("/trading/switch/"))
        client.post("/trading/switch/", {"turn": "on", "reason": "moved"})
        assert TradingSwitch.on().exists()

    def test_pages_that_are_open_read_how_it_stands(self, trading_on: None) -> None:
        client = browser("trading.trade")
        assert "Trading on" in text(client.get("/trading/state/"))
        TradingSwitch.objects.update(is_on=False, reason="news")
        shown = text(client.get("/trading/state/"))
        assert "Trading off" in shown
        assert shown.strip() in text(client.get("/orders/"))

    def test_traders_may_not_touch_it(self, trading_on: None) -> None:
        assert browser("trading.trade").post("/trading/switch/", {"turn": "off"}).status_code == 403
        assert TradingSwitch.on().exists()

    def test_the_admin_turns_it_too_and_keeps_who_did(self, trading_on: None) -> None:
        boss = make_user(is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(boss)
        page = "/admin/trading/tradingswitch/1/change/"
        client.post(page, {"reason": "by hand"})
        switch = TradingSwitch.objects.get()
        assert (switch.is_on, switch.changed_by, switch.reason) == (
            False,
            boss.username,
            "by hand",
        )
        refused = client.post(page, {"is_on": "on", "reason": ""})
        assert "Enter a reason for resuming trading." in text(refused)
        history = text(client.get("/admin/trading/tradingswitch/1/history/"))
        assert "Trading switched off: by hand" in history


@pytest.mark.django_db
class TestCancelling:
    def test_one_that_waits_for_its_turn_is_cancelled_by_a_trader(self, desk: Desk) -> None:
        order, client = desk.place(), browser("trading.trade")
        page = f"/orders/{order.pk}/"
        assert f"{page}cancel/" in text(client.get(page))
        assert f"{page}cancel/" not in text(browser().get(page))
        answer = client.post(f"{page}cancel/", follow=True)
        assert "Cancelled, and never sent: buy 0.1 EURUSD." in text(answer)
        assert orders.send(order).state == State.CANCELLED
        assert desk.sent() == []

    def test_one_that_was_sent_is_left_alone(self, desk: Desk) -> None:
        order, client = desk.send(), browser("trading.trade")
        answer = client.post(f"/orders/{order.pk}/cancel/", follow=True)
        assert "It waits no more: it is done." in text(answer)
        order.refresh_from_db()
        assert order.state == State.FILLED


@pytest.mark.usefixtures("rows")
def test_selected_accounts_are_closed_side_by_side_with_a_result_each(desk: Desk) -> None:
    client = Client()
    client.force_login(desk.trader)
    polling_done = list(poller.refresh([desk.agent("1"), desk.agent("2")]))
    assert all(outcome.ok for outcome in polling_done)
    numbers = [account.number for account in desk.accounts.values()]
    confirm = text(client.post("/close/", {"accounts": numbers}))
    held = [
        f"{account.number}-{position.ticket}"
        for account in desk.accounts.values()
        for position in account.positions.all()
    ]
    assert f"Close all {len(held)} open positions of 2 accounts" in words(confirm)
    assert all(f'value="{one}"' in confirm for one in held)
    assert not Order.objects.exists()
    desk.venue.steer("2", next_order="no-money")
    form = {"accounts": numbers, "position": held, "client_key": "all", "step": "send"}
    for _ in range(2):
        told = words(text(client.post("/close/", form)))
        assert all(str(number) in told for number in numbers)
        assert "There is not enough free margin." in told
    assert Order.objects.filter(state=State.FILLED).count() == len(held) - 1
    assert len(desk.sent("1")) + len(desk.sent("2")) == len(held)


@pytest.mark.django_db
def test_nobody_selected_closes_nothing(desk: Desk) -> None:
    client = Client()
    client.force_login(desk.trader)
    answer = client.post("/close/", {}, follow=True)
    assert "Select accounts first." in text(answer)
