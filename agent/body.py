"""The body of a request: how large it may be, and JSON without numbers that are none."""

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn

from starlette.types import Receive

from agent import problem

LARGEST_BODY = 64 * 1024


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request; a `Problem` 413 when it is larger than any request we know."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return bytes(body)
        body += message.get("body", b"")
        if len(body) > LARGEST_BODY:
            raise problem.Problem(413, "body-too-large", "The request is too large")
        if not message.get("more_body"):
            return bytes(body)


def finite(text: str) -> float:
    """Raise ValueError for a number that is too large to be one."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text[:40]} is too large")
    return number


def _whole(text: str) -> int:
    finite(text)  # whoever calculates with it makes it a float
    return int(text)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")


def parsed(text: str | bytes, parse_float: Callable[[str], Any] = finite) -> Any:
    """What a JSON text says. Raises ValueError for anything else, NaN and Infinity among it."""
    try:
        return json.loads(
            text, parse_float=parse_float, parse_int=_whole, parse_constant=_no_number
        )
    except RecursionError as error:
        raise ValueError("It is nested too deeply") from error
