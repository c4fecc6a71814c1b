import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mt5monitor.text import clean

TEXT = st.characters() | st.sampled_from("\u200c\u200d ی👩a…\u202e")


def test_control_and_bidirectional_characters_are_dropped():
    assert clean("A\x00B\x1b\u202eC\u2066\ufeffD\ud800", 20) == "ABCD"


def test_white_space_of_all_kinds_becomes_one_space():
    assert clean("  Ana\t\n\r\u00a0\u2003Ruiz\u2028 ", 20) == "Ana Ruiz"


def test_markup_stays_as_it_is_for_it_is_escaped_where_it_is_shown():
    assert clean("<b>Ana</b> & José 李", 40) == "<b>Ana</b> & José 李"


def test_what_is_too_long_is_clipped_with_an_ellipsis():
    assert clean("abcdef", 6) == "abcdef"
    assert clean("abcdefg", 6) == "abcde…"


@pytest.mark.parametrize(
    "name",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "Ana 👩\u200d🚀",
        "👨\u200d👩\u200d👧\u200d👦",
        "👁\ufe0f\u200d🗨\ufe0f",
    ],
    ids=["Persian", "Hindi", "an emoji of two", "a family", "with variation selectors"],
)
def test_joiners_within_words_and_emoji_are_kept(name):
    assert clean(name, 40) == name


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("EUR\u200dUSD", "EURUSD"),
        ("\u200dAna\u200c", "Ana"),
        ("\u200c", ""),
        ("ی\u200c ی", "ی ی"),
        ("👩\u200d", "👩"),
        ("a\u200d👩", "a👩"),
        ("ی\u200c\u202eی", "ی\u200cی"),
    ],
)
def test_joiners_that_join_nothing_are_dropped(text, shown):
    assert clean(text, 40) == shown


@given(st.text(TEXT), st.integers(1, 50))
def test_whatever_comes_in_fits_and_is_printable(text, length):
    cleaned = clean(text, length)
    assert len(cleaned) <= length
    assert cleaned == cleaned.strip()
    visible = cleaned.replace("\u200c", "").replace("\u200d", "")
    assert not any(unicodedata.category(char).startswith("C") for char in visible)
    assert bool(visible) == bool(cleaned)
    assert clean(cleaned, length) == cleaned
