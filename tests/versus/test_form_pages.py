"""The form that makes a versus: found, read, kept, acknowledged; nothing typed is lost."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse

from accounts.models import Account, Firm, VSGroup
from tests.factories import make_account, make_position, make_user
from tests.pages.reading import text, words
from tests.versus.pair import Pair
from tests.versus.visitor import LOOK, RUN, browser, page_of
from trading.models import Versus
from trading.versus.states import State

pytestmark = pytest.mark.django_db


@pytest.fixture
def runner(db: None) -> User:
    return make_user(*RUN)


def typed_for(pair: Pair, **changes: str) -> dict[str, str]:
    a, b = (str(pair.accounts[role].number) for role in "ab")
    typed = {"account_a": a, "account_b": b, "symbol_a": "EURUSD", "symbol_b": "EURUSD"}
    typed |= {"lots": "0,10", "side_a": "SELL", "sl_a": "100", "tp_b": "140,50"}
    return typed | {"zone": "Europe/Madrid", "window": "7"} | changes


def create(user: User, typed: dict[str, Any], query: str = "") -> HttpResponse:
    answer = browser(user).post(f"/versus/new/{query}", typed)
    assert isinstance(answer, HttpResponse)
    return answer


def test_a_versus_is_created_as_it_was_typed_and_nothing_is_sent(pair: Pair) -> None:
    times = {"freeze_at": "2030-07-01T14:30", "transfer_at": "2030-07-01T15:00"}
    answer = create(pair.user, typed_for(pair, **times))
    versus = Versus.objects.get()
    assert answer.headers["Location"] == f"/versus/{versus.code}/"
    assert (versus.lots, versus.side_a) == (Decimal("0.10"), "SELL")
    assert (versus.sl_a, versus.tp_a, versus.tp_b) == (100, None, Decimal("140.50"))
    assert versus.freeze_at == datetime(2030, 7, 1, 12, 30, tzinfo=UTC)
    assert versus.window == timedelta(minutes=7)
    assert versus.creator == pair.user.username
    assert pair.venue.entries("2", "send") == []


WRONG = {
    "account_a": ("", "Choose account A"),
    "account_b": ("nobody", "No account fits “nobody”"),
    "symbol_b": ("", "Name the symbol of account B"),
    "lots": ("1,234.5", "can be read in more than one way"),
    "sl_a": ("-5", "Stop-loss of A must be more than 0"),
    "tp_b": ("0.123456789", "no more than 8 decimal places"),
    "side_a": ("", "Choose which leg A keeps"),
    "freeze_at": ("2020-01-01T10:00", "that time has passed"),
    "transfer_at": ("2030-10-27T02:30", "comes twice in Europe/Madrid"),
    "zone": ("Spain/Madrid", "is no time zone"),
    "window": ("0", "whole minutes, from 1 to 720"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_at_its_field_and_all_that_was_typed_is_kept(
    pair: Pair, name: str
) -> None:
    value, sentence = WRONG[name]
    typed = typed_for(pair, **{name: value})
    answer = create(pair.user, typed)
    assert answer.status_code == 422
    html = text(answer)
    error = re.search(rf'id="error-{name}">([^<]*)<', html)
    assert error is not None
    assert sentence in words(error[1])
    shown = dict(re.findall(r'<input id="(\w+)" name="\w+" value="([^"]*)"', html))
    for field in ("account_a", "lots", "sl_a", "tp_b", "zone", "window"):
        assert shown[field] == typed[field], field
    assert not Versus.objects.exists()


@pytest.mark.both_databases
def test_an_account_is_found_by_a_part_of_its_holder_when_it_is_the_only_one(pair: Pair) -> None:
    Account.objects.filter(pk=pair.accounts["a"].pk).update(holder="Ana Ruiz")
    Account.objects.filter(pk=pair.accounts["b"].pk).update(holder="Ana Paz")
    answer = create(pair.user, typed_for(pair, account_a="ana"))
    assert "More than one account fits “ana”" in text(answer)
    create(pair.user, typed_for(pair, account_a="ruiz"))
    assert Versus.objects.get().account_a == pair.accounts["a"]


def test_from_a_vs_group_its_pair_is_filled_in_and_nothing_else_is_taken(pair: Pair) -> None:
    group = VSGroup.objects.create(name="VS1")
    for role, account in pair.accounts.items():
        Account.objects.filter(pk=account.pk).update(vs_group=group, vs_slot=role.upper())
    stranger = make_account(number=777)
    html = page_of(pair.user, f"/versus/new/?group={group.pk}")
    for account in pair.accounts.values():
        assert f'value="{account.number}"' in html
    assert "777" not in html
    assert f"/versus/new/?group={group.pk}" in page_of(pair.user, f"/accounts/{account.number}/")
    typed = typed_for(pair, account_b=str(stranger.number))
    answer = create(pair.user, typed, f"?group={group.pk}")
    assert "No account in the VS group VS1 fits “777”" in text(answer)


def test_a_warning_is_repeated_and_acknowledged_before_it_is_created(pair: Pair) -> None:
    Firm.objects.update(opposite_positions="forbidden")
    answer = create(pair.user, typed_for(pair))
    assert answer.status_code == 422
    assert 'value="0,10"' in text(answer)
    warnings = [unescape(w) for w in re.findall(r'name="warning" value="([^"]*)"', text(answer))]
    assert len(warnings) == 2
    assert words(text(answer)).count(warnings[0]) >= 2
    create(pair.user, typed_for(pair) | {"acknowledged": "on", "warning": warnings[:1]})
    assert not Versus.objects.exists()  # one of them was not shown
    create(pair.user, typed_for(pair) | {"acknowledged": "on", "warning": warnings})
    assert Versus.objects.get().acknowledged == warnings


def test_without_the_permission_to_acknowledge_there_is_nothing_to_tick(pair: Pair) -> None:
    Firm.objects.update(opposite_positions="forbidden")
    user = make_user(*LOOK, "trading.run_versus")
    html = text(create(user, typed_for(pair)))
    assert "Somebody who may acknowledge" in html
    assert 'name="acknowledged"' not in html


@pytest.mark.both_databases
def test_a_form_that_is_sent_twice_makes_one_and_leads_to_it(pair: Pair) -> None:
    first, second = (create(pair.user, typed_for(pair)) for _ in range(2))
    assert second.headers["Location"] == first.headers["Location"]
    other = create(pair.user, typed_for(pair, lots="0.20"))
    assert other.status_code == 422
    assert "is part of versus" in text(other)
    assert 'value="0.20"' in text(other)
    assert Versus.objects.count() == 1


@pytest.mark.both_databases
@pytest.mark.parametrize("typed", ["\x00", "'; drop", "1e400", "9" * 400, "NaN", "Infinity", "٣"])
def test_whatever_is_typed_is_answered_with_a_page(pair: Pair, typed: str) -> None:
    for name in typed_for(pair):
        answer = create(pair.user, typed_for(pair, **{name: typed}))
        assert answer.status_code in (302, 422), name
        Versus.objects.update(state=State.CANCELLED)


@pytest.mark.both_databases
def test_symbols_that_the_fleet_holds_or_traded_are_offered(pair: Pair) -> None:
    pair.frozen(symbol_a="GBPUSD", symbol_b="GBPUSD")
    stranger = make_account(number=777)
    make_position(stranger, symbol="US500.cash")
    html = page_of(pair.user, "/versus/new/")
    offered = html.split('id="symbols-offered"')[1].split("</datalist>")[0]
    assert {"GBPUSD", "US500.cash"} <= set(re.findall(r'value="([^"]+)"', offered))
    assert html.count('list="symbols-offered"') == 2
