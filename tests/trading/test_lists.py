"""Lists of trading: what a query string cannot mean is left out and named."""

from django.utils import timezone

from trading.position_list import PositionList
from trading.versus.ended_list import EndedList


def test_an_account_that_is_not_a_login_is_named_and_left_out() -> None:
    look = PositionList({"account": "abc", "symbol": "EURUSD"}, timezone.now())
    assert look.problems == ["“abc” is not a login; positions of all accounts are shown."]
    assert (look.account, look.query()) == (None, "?symbol=EURUSD")


def test_positions_of_a_login_and_a_symbol_are_asked_for_without_a_problem() -> None:
    look = PositionList({"account": "5100037", "symbol": "DOGE/USD"}, timezone.now())
    assert (look.account, look.symbol, look.problems) == (5100037, "DOGE/USD", [])


def test_an_archive_that_there_is_not_is_named_and_left_out() -> None:
    look = EndedList({"archived": "x"})
    assert look.problems == ["There is no archive “x”; versus that are not in it are shown."]
    assert (look.shows_archive, look.query()) == (False, "?")
    assert EndedList({"archived": "1"}).shows_archive
