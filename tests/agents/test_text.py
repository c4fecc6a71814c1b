import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from accounts.agents.text import clean


def test_control_and_bidirectional_characters_are_dropped():
    assert clean("A\x00B\x1b\u202eC\u2066\ufeffD\ud800", 20) == "ABCD"


def test_white_space_of_all_kinds_becomes_one_space():
    assert clean("  Ana\t\n\r\u00a0\u2003Ruiz\u2028 ", 20) == "Ana Ruiz"


def test_markup_stays_as_it_is_for_it_is_escaped_where_it_is_shown():
    assert clean("<b>Ana</b> & José 李", 40) == "<b>Ana</b> & José 李"


def test_what_is_too_long_is_clipped_with_an_ellipsis():
    assert clean("abcdef", 6) == "abcdef"
    assert clean("abcdefg", 6) == "abcde…"


@given(st.text(), st.integers(1, 50))
def test_whatever_comes_in_fits_and_is_printable(text, length):
    cleaned = clean(text, length)
    assert len(cleaned) <= length
    assert cleaned == cleaned.strip()
    assert not any(unicodedata.category(char).startswith("C") for char in cleaned)
    assert clean(cleaned, length) == cleaned
