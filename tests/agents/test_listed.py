"""Lists that no agent means, of which none may hold up the process that reads all agents."""

import time

import pytest

from accounts.agents import listed, v1
from accounts.agents.errors import BadAnswer, TooLarge

QUADRATIC_S = 60.0  # and more, with any machine; in linear time it takes a moment


@pytest.mark.parametrize("end", [b"", b"\\", b"\\\\", b'"', b"NaN"])
@pytest.mark.parametrize("quote", [b'\\"', b'"', b'\\\\"', b' "\\\\'])
def test_a_damaged_answer_is_refused_in_no_time(quote: bytes, end: bytes) -> None:
    body = b'"' + quote * (256 * 1024 // len(quote)) + end
    begun = time.process_time()
    with pytest.raises(BadAnswer):
        listed.decode(body, v1._positions)
    assert time.process_time() - begun < QUADRATIC_S


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        (b'{"a":NaN}', b'{"a":"NaN"}'),
        (b'{"a \\" NaN":-Infinity}', b'{"a \\" NaN":"-Infinity"}'),
        (b'["\\\\",nan]', b'["\\\\","nan"]'),
        (b'["NaN', b'["NaN'),
    ],
)
def test_what_is_no_number_is_quoted_outside_of_texts_alone(text: bytes, quoted: bytes) -> None:
    assert listed._TOKEN.sub(listed._quote, text) == quoted


def test_a_list_of_more_rows_than_an_account_can_have_is_refused_whole() -> None:
    body = b'{"account_number":5,"positions":[' + b"1," * listed.MOST + b"1]}"
    told = v1.parse_positions(body)
    with pytest.raises(TooLarge, match="more than 50,000 rows"):
        listed.read(told.positions, v1._read_position, v1._ticket, "ticket")
