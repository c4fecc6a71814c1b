"""The pattern of whole numbers that the documents of the API give."""

import re

from hypothesis import example, given
from hypothesis import strategies as st

from mt5monitor.api.numbers import DIGITS, up_to


@given(st.integers(1, 10**20))
@example(2**63 - 1)
@example(2**63)
@example(9223372036854775799)
def test_the_pattern_in_the_documents_is_what_is_accepted(number: int) -> None:
    assert (DIGITS.fullmatch(str(number)) is not None) == (number < 2**63)


@given(st.integers(12, 99_999), st.integers(1, 200_000))
def test_a_pattern_of_digits_ends_where_it_should(largest: int, number: int) -> None:
    assert (re.fullmatch(up_to(largest), str(number)) is not None) == (number <= largest)
