"""The body of `POST /v2/orders`, parsed into one frozen object."""

import json
import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple, cast

from agent.body import parsed
from agent.problem import Refusal

Kind = Literal["open", "close", "modify"]
Side = Literal["BUY", "SELL"]
_TAG = re.compile(r"[A-Za-z0-9]{1,26}")
LARGEST_MAGIC = 2**63 - 1
LARGEST_DEVIATION = 1_000_000
# More decimals than any price or volume has; a float written out in full has more.
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]{1,12})?")


class OrderRequest(NamedTuple):
    """One order. `volume` None: all of the position. `sl`, `tp`: price levels, None for none.

    `expected_server` is "" when the one who asks does not know it. `deviation` is in points.
    """

    tag: str
    magic: int
    expected_login: int
    expected_server: str
    expires_at: datetime
    kind: Kind
    symbol: str
    side: Side | None
    volume: Decimal | None
    sl: Decimal | None
    tp: Decimal | None
    position: int | None
    deviation: int

    def canonical(self) -> str:
        """The same text for the same order, however its body was written."""
        values = {name: _plain(value) for name, value in self._asdict().items()}
        return json.dumps(values, separators=(",", ":"), sort_keys=True)


def read_order(body: bytes) -> OrderRequest:
    """Raises `Refusal` for anything but an order whose every field can be used."""
    try:
        content = parsed(body, parse_float=str)
    except ValueError as error:
        raise Refusal(400, "body-invalid", "The body is not JSON", str(error)[:200]) from error
    if not isinstance(content, dict):
        raise Refusal(400, "body-invalid", "The body is not a JSON object")
    unknown = sorted(set(content) - set(OrderRequest._fields))
    if unknown:
        raise _invalid(f"there is no field {unknown[0][:40]}")
    order = OrderRequest(**{name: read(content, name) for name, read in _READERS.items()})
    _check_kind(order)
    return order


def from_canonical(text: str) -> OrderRequest:
    """The order that `canonical` was called on."""
    return read_order(text.encode())


def valid_tag(tag: str) -> bool:
    return _TAG.fullmatch(tag) is not None


def _check_kind(order: OrderRequest) -> None:
    if order.kind == "open":
        if order.side is None or order.volume is None:
            raise _invalid("an open needs a side and a volume")
        if order.position is not None:
            raise _invalid("an open has no position")
    elif order.position is None:
        raise _invalid(f"a {order.kind} needs the ticket of a position")
    if order.kind == "modify" and order.volume is not None:
        raise _invalid("a modify has no volume")
    if order.kind == "close" and (order.sl is not None or order.tp is not None):
        raise _invalid("a close has neither sl nor tp")


def _tag(content: dict[str, Any], name: str) -> str:
    tag = content.get(name)
    if not isinstance(tag, str) or not valid_tag(tag):
        raise _invalid("tag must be 1 to 26 ASCII letters and digits")
    return tag


def _text(content: dict[str, Any], name: str) -> str:
    text = content.get(name, "")
    if not isinstance(text, str) or len(text) > 128 or not text.isprintable():
        raise _invalid(f"{name} must be a text of at most 128 printable characters")
    return text


def _symbol(content: dict[str, Any], name: str) -> str:
    """As the broker spells it: any text but control characters and halves of characters."""
    symbol = content.get(name, "")
    if not isinstance(symbol, str) or len(symbol) > 128 or any(map(_is_control, symbol)):
        raise _invalid("symbol must be a text of at most 128 characters, none of them control")
    if not symbol:
        raise _invalid("symbol is missing")
    return symbol


def _is_control(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs")


def _whole(least: int, most: int) -> Callable[[dict[str, Any], str], int]:
    def read(content: dict[str, Any], name: str) -> int:
        value = content.get(name)
        if type(value) is not int or not least <= value <= most:
            raise _invalid(f"{name} must be a whole number from {least} to {most}")
        return value

    return read


def _ticket(content: dict[str, Any], name: str) -> int | None:
    return None if content.get(name) is None else _whole(1, LARGEST_MAGIC)(content, name)


def _positive(content: dict[str, Any], name: str) -> Decimal | None:
    value = content.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise _invalid(f"{name} must be a number or null")
    number = Decimal(value) if _NUMBER.fullmatch(str(value)) else Decimal(0)
    if not number > 0:
        raise _invalid(f"{name} must be a plain number above 0, or null")
    return number


def _one_of(*allowed: str | None) -> Callable[[dict[str, Any], str], Any]:
    def read(content: dict[str, Any], name: str) -> str | None:
        value = content.get(name)
        if value is not None and not isinstance(value, str) or value not in allowed:
            names = ", ".join(item or "null" for item in allowed)
            raise _invalid(f"{name} must be one of {names}")
        return value

    return read


def _moment(content: dict[str, Any], name: str) -> datetime:
    text = content.get(name)
    try:
        moment = datetime.fromisoformat(cast(str, text))
    except (TypeError, ValueError) as error:
        raise _invalid(f"{name} must be an ISO 8601 time") from error
    if moment.tzinfo is None or not 2000 <= moment.year <= 2100:
        raise _invalid(f"{name} needs an offset from UTC and a year from 2000 to 2100")
    return moment.astimezone(UTC)


_READERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "tag": _tag,
    "magic": _whole(1, LARGEST_MAGIC),
    "expected_login": _whole(1, LARGEST_MAGIC),
    "expected_server": _text,
    "expires_at": _moment,
    "kind": _one_of("open", "close", "modify"),
    "symbol": _symbol,
    "side": _one_of("BUY", "SELL", None),
    "volume": _positive,
    "sl": _positive,
    "tp": _positive,
    "position": _ticket,
    "deviation": _whole(0, LARGEST_DEVIATION),
}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, datetime) else value


def _invalid(detail: str) -> Refusal:
    return Refusal(422, "order-invalid", "The order cannot be used", detail)
