"""Numbers of the API: amounts as exact JSON numbers, never as text; tickets as both.

A ticket of MT5 has up to 19 digits, and JavaScript rounds JSON numbers above 2**53. So each stands
in an answer twice: as a number, and as text in the field of the same name with `_text` behind it.
Requests may send either.
"""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MOST = 10**12
LARGEST = 2**63 - 1
EXACT_BELOW = 2**53  # floats beyond may be the ticket of another position, rounded


def up_to(largest: int) -> str:
    """Return a pattern of the digits of the whole numbers from 1 to `largest`, for documents that
    say exactly what is accepted."""
    digits = str(largest)
    parts = [f"[1-9][0-9]{{0,{len(digits) - 2}}}"]
    for place, digit in enumerate(digits):
        least, rest = (1 if place == 0 else 0), len(digits) - place - 1
        if int(digit) > least:
            parts.append(f"{digits[:place]}[{least}-{int(digit) - 1}][0-9]{{{rest}}}")
    return "|".join([*parts, digits])


DIGITS = re.compile(up_to(LARGEST), re.ASCII)


def _no_text(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        raise ValueError("Input should be a number")
    return value


def _ticket(value: Any) -> Any:
    """A whole number, which JSON may write as 5.0, or its digits."""
    if isinstance(value, str) and DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < EXACT_BELOW:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("Input should be a whole number, or its digits as text")
    return value


Ticket = Annotated[
    int,
    Field(gt=0, le=LARGEST),
    BeforeValidator(_ticket),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": LARGEST},
                {"type": "string", "pattern": f"^({DIGITS.pattern})$"},
            ],
            "description": "as a number or as text; JavaScript rounds numbers above 2**53",
        }
    ),
]
Amount = Annotated[
    Decimal,
    Field(gt=0, lt=MOST),
    BeforeValidator(_no_text),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": MOST}),
]
AmountOr0 = Annotated[
    Decimal,
    Field(ge=0, lt=MOST),
    BeforeValidator(_no_text),
    WithJsonSchema({"type": "number", "minimum": 0, "exclusiveMaximum": MOST}),
]
