"""Figures come out of JSON as they stand in its text, or not at all."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import figures
from accounts.agents.errors import Malformed


class Holder(msgspec.Struct):
    x: figures.Figure = figures.UNTOLD


def told(text: str, **how: int) -> Decimal | None:
    holder = msgspec.json.decode(f'{{"x": {text} }}', type=Holder)
    return figures.told(holder.x, "x", **how)


@given(st.decimals(min_value=-(10**13), max_value=10**13, places=8, allow_nan=False))
def test_a_number_of_eight_places_is_that_number_exactly(number):
    assert told(f"{number:f}") == number


@given(st.floats(min_value=-1e13, max_value=1e13, allow_nan=False))
def test_any_float_is_within_half_a_unit_of_what_is_kept(number):
    value = told(json.dumps(number), places=8)
    assert value is not None
    assert abs(value - Decimal(json.dumps(number))) <= Decimal("0.000000005")
    assert isinstance(value.as_tuple().exponent, int)
    assert -8 <= value.as_tuple().exponent <= 0


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("0.1", "0.1"),
        ("1.10", "1.10"),
        ("1e-05", "0.00001"),
        ("1E+3", "1000"),
        ("-0.0", "0"),
        ("0.30000000000000004", "0.30000000"),
        ("1.0850000000000002", "1.08500000"),
        ("123456789012.12345678", "123456789012.12345678"),
        ("0", "0"),
        ("1e-400", "0"),
        ("0.000000012345", "0.000000012345"),
        ("48231.450000000004", "48231.45"),
    ],
)
def test_the_digits_of_the_text_are_kept_and_the_noise_of_floats_is_not(text, exact):
    value = told(text)
    assert value == Decimal(exact)
    assert not str(value).startswith("-0")
    written = bytes(figures.written(value or Decimal(0))).decode()
    assert "E" not in written.upper()
    assert Decimal(written) == value


def test_null_and_what_is_not_there_are_unknown():
    assert told("null") is None
    assert figures.told(Holder().x, "x") is None
    with pytest.raises(Malformed, match="x: missing"):
        figures.known(Holder().x, "x")


@pytest.mark.parametrize("text", ['"1.1"', "[1]", "{}", "true", "false", "1" * 61])
def test_what_is_no_number_is_refused_by_name(text):
    with pytest.raises(Malformed, match="^x: expected number, got"):
        told(text)


@pytest.mark.parametrize("text", ["1e14", "-1e14", "1e400", "99999999999999.9"])
def test_a_number_beyond_any_figure_is_refused(text):
    with pytest.raises(Malformed, match="at most 10000000000000"):
        told(text)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "01", "1.", ".5", "0x1", "1_0"])
def test_what_json_does_not_have_is_not_json(text):
    with pytest.raises(msgspec.DecodeError):
        told(text)


def test_a_zero_that_means_unknown_is_unknown_and_a_negative_one_is_refused():
    zero = msgspec.Raw(b"0.0")
    assert figures.positive(zero, "x") is None
    with pytest.raises(Malformed, match="0 or more"):
        figures.positive(msgspec.Raw(b"-0.1"), "x")
