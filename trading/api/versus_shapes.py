"""Versus as programs write and read them: the original's names, and ours beside them."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from ninja import Field, Schema

from accounts.wording import either
from mt5monitor.api.numbers import Amount, AmountOr0
from mt5monitor.ticket_texts import texts
from trading.models import Versus
from trading.payloads import STATUS, versus_payload


class VersusIn(Schema):
    account_a: int = Field(gt=0, lt=2**63)
    account_b: int = Field(gt=0, lt=2**63)
    # Where several accounts have that number: which.
    server_a: str | None = Field(None, max_length=64)
    server_b: str | None = Field(None, max_length=64)
    account_id_a: int | None = Field(None, gt=0, lt=2**63)
    account_id_b: int | None = Field(None, gt=0, lt=2**63)
    symbol: str = Field("EURUSD", max_length=32, description="on both, where they are not given")
    symbol_a: str = Field("", max_length=32)
    symbol_b: str = Field("", max_length=32)
    lots: Amount
    side: Literal["BUY", "SELL"] = Field(description="the leg that A keeps")
    tp_usd_a: AmountOr0 | None = Field(None, description="take-profit of A, money of its account")
    sl_usd_a: AmountOr0 | None = None
    tp_usd_b: AmountOr0 | None = None
    sl_usd_b: AmountOr0 | None = None
    scheduled_congelar: datetime | None = Field(
        None, description="without an offset: on the clock of `zone`"
    )
    scheduled_transferir: datetime | None = None
    zone: str = Field("UTC", max_length=64, description="IANA name")
    window_minutes: int = Field(5, ge=1, le=720, description="how late a step may begin")
    acknowledge_firm_rules: bool = False


class Run(Schema):
    acknowledge_firm_rules: bool = False


class Listed(Schema):
    before: str = Field("", max_length=20, description="the id that the last page ended with")
    limit: int = Field(100, ge=1, le=200)
    archived: bool = Field(False, description="whether those that were deleted are listed too")


class VersusOut(Schema):
    id: str
    account_a: int
    account_b: int
    account_id_a: int
    account_id_b: int
    server_a: str | None
    server_b: str | None
    symbol: str
    symbol_a: str
    symbol_b: str
    holder_a: str | None
    prop_firm_a: str | None
    holder_b: str | None
    prop_firm_b: str | None
    lots: float
    side: str
    tp_usd_a: float | None
    sl_usd_a: float | None
    tp_usd_b: float | None
    sl_usd_b: float | None
    status: str = Field(description=either(dict.fromkeys(STATUS.values())))
    state: str = Field(description="exactly")
    reason: str
    error_message: str | None
    created_at: datetime
    updated_at: datetime
    scheduled_congelar: datetime | None
    scheduled_transferir: datetime | None
    zone: str
    tickets_a: list[int] = Field(description="of the legs as they were opened")
    tickets_a_text: list[str]
    tickets_b: list[int]
    tickets_b_text: list[str]
    archived: bool = Field(description="deleted: taken off the lists after its end")
    url: str


class VersusList(Schema):
    versus_list: list[VersusOut]
    count: int
    next: str | None = Field(description="as `before`, for those that come after these")


class VersusMade(Schema):
    status: str
    versus: VersusOut


class Ran(Schema):
    status: str
    message: str
    versus: VersusOut
    tickets: list[int]
    tickets_text: list[str]
    account_a_ticket: int | None
    account_a_ticket_text: str | None
    account_b_tickets: list[int]
    account_b_tickets_text: list[str]
    prices: dict[str, dict[str, float | None]]


def fields(asked: VersusIn) -> dict[str, str]:
    """As the form of the page holds them, so that both are read by the same rules."""
    money = {"sl_a": "sl_usd_a", "tp_a": "tp_usd_a", "sl_b": "sl_usd_b", "tp_b": "tp_usd_b"}
    times = {"freeze_at": asked.scheduled_congelar, "transfer_at": asked.scheduled_transferir}
    return {
        "account_a": _key(asked.account_a, asked.account_id_a),
        "account_b": _key(asked.account_b, asked.account_id_b),
        **{f"server_{role}": at for role in "ab" if (at := getattr(asked, f"server_{role}"))},
        "symbol_a": asked.symbol_a or asked.symbol,
        "symbol_b": asked.symbol_b or asked.symbol,
        "lots": f"{asked.lots.normalize():f}",
        "side_a": asked.side,
        "zone": asked.zone,
        "window": str(asked.window_minutes),
        # 0 is none, as in the original.
        **{name: f"{at:f}" if (at := getattr(asked, of)) else "" for name, of in money.items()},
        **{name: "" if at is None else at.isoformat() for name, at in times.items()},
    }


def _key(number: int, pk: int | None) -> str:
    return str(number) if pk is None else f"{number}-{pk}"


def ran(versus: Versus) -> dict[str, Any]:
    told = versus_payload(versus)
    on_a, on_b = told["tickets_a"], told["tickets_b"]
    only = on_a[0] if len(on_a) == 1 else None
    levels = {"account_a": _levels(versus, "protect"), "account_b": _levels(versus, "half-1")}
    return {
        "status": "success",
        "message": versus.reason,
        "versus": told,
        "tickets": on_a,
        "tickets_text": told["tickets_a_text"],
        "account_a_ticket": only,
        **texts(account_a_ticket=only),
        "account_b_tickets": on_b,
        "account_b_tickets_text": told["tickets_b_text"],
        "prices": levels,
    }


def _levels(versus: Versus, step: str) -> dict[str, Decimal | None]:
    """That the last order of this step set."""
    order = next((one for one in reversed(versus.orders.all()) if one.step == step), None)
    return {"tp": order.tp if order else None, "sl": order.sl if order else None}
