"""Numbers that programs send: exact, as JSON numbers, and never as text."""

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

MOST = 10**12


def _no_text(value: Any) -> Any:
    if isinstance(value, (str, bool)):
        raise ValueError("Input should be a number")
    return value


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
