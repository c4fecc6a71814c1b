"""The admin of versus: to be read, and to cancel and close, each confirmed first."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from tests.factories import make_user, make_versus
from tests.pages.reading import text, words
from tests.versus.pair import Pair
from trading.models import TradingSwitch, Versus
from trading.versus.states import State

pytestmark = pytest.mark.django_db
LIST = "/admin/trading/versus/"


def staff(*permissions: str) -> Client:
    client = Client()
    user = make_user("trading.view_versus", *permissions, is_staff=True)
    client.force_login(user)
    return client


@pytest.fixture
def runner(db: None) -> User:
    return make_user("trading.run_versus", "trading.acknowledge_firm_rules")


@pytest.mark.both_databases
def test_those_not_begun_are_cancelled_after_a_confirmation(runner: User) -> None:
    waiting, frozen = make_versus(runner), make_versus(runner, state=State.FROZEN)
    client, chosen = staff("trading.run_versus"), [waiting.pk, frozen.pk]
    sent = {"action": "cancel", "_selected_action": chosen}
    shown = words(text(client.post(LIST, sent)))
    assert waiting.code in shown
    assert "1 more of those chosen is in another state" in shown
    assert not Versus.objects.filter(state=State.CANCELLED).exists()
    client.post(LIST, sent | {"confirmed": "1"})
    assert [one.state for one in Versus.objects.order_by("pk")] == ["cancelled", "frozen"]


def test_both_legs_are_closed_after_a_confirmation(pair: Pair) -> None:
    versus = pair.frozen()
    client = staff("trading.run_versus")
    sent = {"action": "close_both", "_selected_action": versus.pk}
    assert versus.code in text(client.post(LIST, sent))
    assert len(pair.held("a", versus)) == 2
    client.post(LIST, sent | {"confirmed": "1"})
    versus.refresh_from_db()
    assert versus.state == State.CLOSED
    assert pair.held("a", versus) == []


def test_without_the_permission_to_run_versus_there_is_nothing_to_do(runner: User) -> None:
    versus, client = make_versus(runner), staff()
    sent = {"action": "cancel", "_selected_action": versus.pk, "confirmed": "1"}
    client.post(LIST, sent)
    versus.refresh_from_db()
    assert versus.state == State.PENDING
    assert "Close both legs" not in text(client.get(LIST))


@pytest.mark.both_databases
def test_nothing_in_it_can_be_changed_and_its_timeline_is_shown(pair: Pair) -> None:
    versus, client = pair.frozen(), staff("trading.view_versusevent")
    page = client.get(f"{LIST}{versus.pk}/change/")
    assert "lots each way on" in text(page)
    assert client.post(f"{LIST}{versus.pk}/change/", {"lots": "9"}).status_code == 403


@pytest.mark.both_databases
def test_a_closing_that_is_not_done_yet_is_not_told_as_done(pair: Pair) -> None:
    versus = pair.frozen()
    TradingSwitch.objects.update(is_on=False)
    sent = {"action": "close_both", "_selected_action": versus.pk, "confirmed": "1"}
    answer = staff("trading.run_versus").post(LIST, sent, follow=True)
    assert f"1 of 1: {versus.code} is closing all legs." in words(text(answer))
    assert [message.level_tag for message in answer.context["messages"]] == ["warning"]


@pytest.mark.both_databases
def test_those_that_have_ended_are_archived_and_the_others_are_named(runner: User) -> None:
    ended, open_one = make_versus(runner, state=State.CLOSED), make_versus(runner)
    sent = {"action": "archive", "_selected_action": [ended.pk, open_one.pk]}
    shown = words(text(staff("trading.run_versus").post(LIST, sent, follow=True)))
    assert "Archived: 1 of 2." in shown
    assert [one.archived_at is None for one in Versus.objects.order_by("pk")] == [False, True]
