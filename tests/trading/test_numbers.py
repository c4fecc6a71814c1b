"""Numbers as people type them."""

from decimal import Decimal

import pytest

from trading import numbers
from trading.sizing import Refused

READ = {
    "0.10": "0.10",
    "0,10": "0.10",
    " 1,5 ": "1.5",
    "1234,5": "1234.5",
    "1234.5": "1234.5",
    "0,100": "0.100",
    "1.085": "1.085",
    ",5": "0.5",
    "7": "7",
    "-20": "-20",
    "\N{MINUS SIGN}3,5": "-3.5",
    "+4": "4",
}
REFUSED = ["1,234.5", "1.234,5", "1,234", "-12,345", "1,234,567", "1.2.3", "1 000", "ten", "1e5"]
REFUSED += ["٣", "NaN", "Infinity", ".", ",", "-", "0x10", "1_0", "9" * 40]


@pytest.mark.parametrize("typed", READ)
def test_a_point_and_a_comma_mean_the_same(typed: str) -> None:
    assert numbers.read(typed, "Volume") == Decimal(READ[typed])


@pytest.mark.parametrize("typed", REFUSED)
def test_what_is_ambiguous_or_no_number_is_refused_in_words(typed: str) -> None:
    with pytest.raises(Refused, match="^Volume: “"):
        numbers.read(typed, "Volume")


def test_nothing_is_not_zero() -> None:
    assert numbers.read("  ", "Volume") is None


@pytest.mark.parametrize("typed", ["0", "-1", "0,00"])
def test_what_must_be_positive_is(typed: str) -> None:
    with pytest.raises(Refused, match="more than 0"):
        numbers.positive(typed, "Volume")
