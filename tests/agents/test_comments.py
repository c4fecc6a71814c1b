"""The comments that prove a refusal over contract 1: exactly those of definite return codes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.agents import retcodes
from accounts.agents.comments import CODES, code_of, comment_of, misses_position
from tests.agents.orders import POSITION, order

PREFIX = {"open": "Order failed: ", "close": "Close failed: ", "modify": "Modify failed: "}
# As the contract lists them.
DEFINITE = {
    "Requote": "REQUOTE",
    "Market closed": "MARKET_CLOSED",
    "No money": "NO_MONEY",
    "Invalid stops": "INVALID_STOPS",
    "Invalid volume": "INVALID_VOLUME",
    "Invalid price": "INVALID_PRICE",
    "AutoTrading disabled by client": "CLIENT_DISABLES_AT",
    "Unsupported filling mode": "INVALID_FILL",
    "Trade disabled": "TRADE_DISABLED",
    "Too many requests": "TOO_MANY_REQUESTS",
}
PROVE_NOTHING = [
    "",
    "Request timed out",
    "Order placed",
    "Common error",
    "No connection",
    "Request executed partially",
    "Request executed",
    "Position doesn't exist",
    "None",
    "(-10005, 'IPC timeout')",
    "no response from the terminal",
    "10018",
    "market closed",
    "MARKET CLOSED",
    "Market closed..",
    "Market closed!",
    " Market closed",
    "Market closed ",
    "Market closed, order placed",
    "Not Market closed",
    "Order failed: Market closed",
    "Market closed (code 10018)",
    "Market\u00a0closed",
]


@pytest.mark.parametrize("kind", PREFIX)
@pytest.mark.parametrize(("comment", "name"), DEFINITE.items())
@pytest.mark.parametrize("end", ["", "."])
def test_a_definite_comment_is_its_return_code(
    kind: str, comment: str, name: str, end: str
) -> None:
    request = order(kind)
    code = code_of(comment_of(f"{PREFIX[kind]}{comment}{end}", request), request)
    assert retcodes.name(code) == name
    assert retcodes.outcome(code) == "rejected"


def test_there_are_no_others() -> None:
    assert set(CODES) == set(DEFINITE)


@pytest.mark.parametrize("kind", PREFIX)
@pytest.mark.parametrize("comment", PROVE_NOTHING)
def test_any_other_comment_proves_nothing(kind: str, comment: str) -> None:
    request = order(kind)
    assert code_of(comment_of(PREFIX[kind] + comment, request), request) is None


@pytest.mark.parametrize("kind", PREFIX)
@pytest.mark.parametrize("prefix", ["", "order failed: ", "Order failed ", "Trade failed: "])
def test_another_beginning_proves_nothing(kind: str, prefix: str) -> None:
    request = order(kind)
    assert code_of(comment_of(f"{prefix}No money", request), request) is None


def test_a_failure_of_another_kind_of_trade_proves_nothing() -> None:
    for kind in PREFIX:
        for other in PREFIX.keys() - {kind}:
            assert comment_of(f"{PREFIX[other]}No money", order(kind)) == ""


@pytest.mark.parametrize(("kind", "code"), [("open", None), ("close", None), ("modify", 10025)])
def test_no_changes_is_an_answer_to_a_modify_alone(kind: str, code: int | None) -> None:
    assert code_of("No changes", order(kind)) == code


def test_only_the_position_that_was_asked_for_is_missed() -> None:
    for kind in ("close", "modify"):
        assert misses_position(f"Position {POSITION} not found", order(kind))
        assert not misses_position(f"Position {POSITION}1 not found", order(kind))
        assert not misses_position(f"position {POSITION} not found", order(kind))
    assert not misses_position("Position None not found", order("open"))


@given(st.sampled_from(sorted(DEFINITE)), st.text(min_size=1, max_size=5), st.booleans())
def test_what_is_added_to_a_comment_makes_it_prove_nothing(
    comment: str, more: str, first: bool
) -> None:
    text = more + comment if first else comment + more
    if text.removesuffix(".") not in DEFINITE:
        assert code_of(comment_of(f"Order failed: {text}", order()), order()) is None
