"""A refusal names the limit that it is about, wherever the terminal tells it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.orders.limits import limit_of
from agent.orders.retcodes import NAMES
from tests.agent.trading import TradingDesk


@pytest.fixture
def desk(tmp_path: Path) -> TradingDesk:
    return TradingDesk(tmp_path)


def limit(desk: TradingDesk, code: int, name: str = "US30", **changes: Any) -> str:
    account, symbol = desk.terminal.account_info(), desk.terminal.symbol_info(name)
    tick = desk.terminal.symbol_info_tick(name)
    assert account is not None
    assert symbol is not None
    assert tick is not None
    tick = tick._replace(bid=39450.5, ask=39452.9)
    for key, value in changes.items():
        if key in account._fields:
            account = account._replace(**{key: value})
        else:
            symbol = symbol._replace(**{key: value})
    return limit_of(code, account=account, symbol=symbol, side=0, tick=tick)


LIMITS: list[tuple[int, dict[str, Any], str]] = [
    (10014, {}, "at least 0.1 and at most 250 lots an order, in steps of 0.1"),
    (10016, {}, "at least 2 from the price 39450.5"),
    (10016, {"trade_stops_level": 0}, ""),
    (10019, {"margin_free": 120.5}, "120.5 USD of margin are free"),
    (10029, {"trade_freeze_level": 5}, "nothing may be changed within 0.5 of the price 39450.5"),
    (10029, {}, ""),
    (10033, {"limit_orders": 200}, "at most 200 pending orders"),
    (10033, {}, ""),
    (10034, {"volume_limit": 500.0}, "at most 500 lots of US30 on one side"),
    (10034, {}, ""),
    (10018, {}, ""),
]


@pytest.mark.parametrize(("code", "changes", "sentence"), LIMITS)
def test_a_limit_is_named_when_it_is_known(
    desk: TradingDesk, code: int, changes: dict[str, Any], sentence: str
) -> None:
    assert limit(desk, code, **changes) == sentence


def test_any_code_has_a_limit_or_none(desk: TradingDesk) -> None:
    assert all(isinstance(limit(desk, code), str) for code in (*NAMES, 0, 99999))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"volume": 100.01}, "100.01 is too much: at most 100 lots an order"),
        ({"volume": 0.001}, "0.001 is too little: at least 0.01 lots"),
        ({"volume": 0.015}, "0.015 lots is not a multiple of 0.01"),
    ],
)
async def test_what_is_checked_before_it_is_sent_names_it(
    desk: TradingDesk, changes: dict[str, Any], sentence: str
) -> None:
    body = desk.body(**changes)
    assert await desk.refused(body) == "volume-invalid"
    assert (await desk.record(body["tag"]))["message"].endswith(sentence)


async def test_what_the_broker_refuses_names_it(desk: TradingDesk) -> None:
    desk.fault(10014)
    answer = await desk.placed()
    assert answer["outcome"] == "rejected"
    assert "at least 0.01 and at most 100 lots an order" in answer["message"]
    assert answer["message"].startswith(answer["comment"])


async def test_all_that_is_open_on_one_side_counts(desk: TradingDesk) -> None:
    quote = desk.terminal.world.market.quotes["EURUSD"]
    quote.symbol = replace(quote.symbol, volume_limit=0.25)
    assert (await desk.placed(volume=0.2))["outcome"] == "done"
    body = desk.body(volume=0.06)
    assert await desk.refused(body) == "volume-invalid"
    said = (await desk.record(body["tag"]))["message"]
    assert "at most 0.25 lots of EURUSD may be open on one side, and 0.2 are" in said
    assert (await desk.placed(volume=0.05))["outcome"] == "done"
    assert (await desk.placed(volume=0.25, side="SELL"))["outcome"] == "done"
