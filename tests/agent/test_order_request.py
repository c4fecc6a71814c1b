"""What a body of an order may hold, and which bodies are the same order."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.orders.request import from_canonical, read_order
from agent.problem import Refusal
from tests.agent.trading import TradingDesk

GOOD: dict[str, Any] = {
    "tag": "A1",
    "magic": 7,
    "expected_login": 5,
    "expected_server": "S",
    "expires_at": "2026-03-04T10:00:00Z",
    "kind": "open",
    "symbol": "EURUSD",
    "side": "BUY",
    "volume": 0.1,
    "sl": None,
    "tp": 1.5,
    "position": None,
    "deviation": 20,
}


def read(**changes: Any) -> Any:
    return read_order(json.dumps(GOOD | changes).encode())


def test_numbers_are_exact_however_they_are_written() -> None:
    order = read(volume=0.1, tp="1.50000")
    assert (order.volume, order.tp, order.sl) == (Decimal("0.1"), Decimal("1.5"), None)
    assert read(volume="0.10") == order
    same = read(volume="0.10", tp=1.5, expires_at="2026-03-04T11:00:00+01:00")
    assert same.canonical() == order.canonical()
    assert read(volume=0.11).canonical() != order.canonical()


@given(
    volume=st.decimals(min_value="0.01", max_value=10**6, places=2),
    sl=st.none() | st.decimals(min_value="0.00001", max_value=10**6, places=5),
    magic=st.integers(1, 2**63 - 1),
)
def test_the_canonical_text_is_the_order(volume: Decimal, sl: Decimal | None, magic: int) -> None:
    order = read(volume=str(volume), sl=sl and str(sl), magic=magic)
    assert from_canonical(order.canonical()) == order


@pytest.mark.parametrize(
    "changes",
    [
        {"tag": ""},
        {"tag": "a" * 27},
        {"tag": "a-b"},
        {"tag": "é"},
        {"tag": 5},
        {"tag": None},
        {"magic": 0},
        {"magic": 1.0},
        {"magic": True},
        {"magic": 2**63},
        {"expected_login": "5"},
        {"expected_server": "S\n"},
        {"expires_at": "2026-03-04T10:00:00"},
        {"expires_at": "soon"},
        {"expires_at": 5},
        {"kind": "flip"},
        {"kind": ["open"]},
        {"symbol": ""},
        {"symbol": "x" * 129},
        {"side": "buy"},
        {"side": None},
        {"volume": None},
        {"volume": 0},
        {"volume": -0.1},
        {"volume": "0,1"},
        {"volume": "1e1"},
        {"volume": True},
        {"volume": "٣"},
        {"sl": []},
        {"tp": 1e-13},
        {"deviation": -1},
        {"deviation": None},
        {"position": 0},
        {"position": 5},
        {"comment": "more"},
        {"kind": "close"},
        {"kind": "close", "position": 5},
        {"kind": "modify", "position": 5},
    ],
)
def test_a_field_that_cannot_be_used_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refusal:
        read(**changes)
    assert refusal.value.type == "order-invalid"
    assert refusal.value.content()["sent"] is False
    assert refusal.value.detail


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"volume": NaN}', b"\xff", b"[" * 9_000])
def test_a_body_that_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        read_order(body)
    assert refusal.value.type == "body-invalid"


def test_a_close_and_a_modify_take_what_they_need() -> None:
    close = read(kind="close", position=5, volume=None, side=None, tp=None)
    assert (close.position, close.volume) == (5, None)
    modify = read(kind="modify", position=5, volume=None)
    assert (modify.sl, modify.tp) == (None, Decimal("1.5"))


async def test_a_bad_body_is_a_signed_problem(tmp_path: Path) -> None:
    desk = TradingDesk(tmp_path)
    assert await desk.refused(desk.body(tag="no good")) == "order-invalid"
