"""Columns of money: as fine as the finest currency of an account, shown without spare zeros."""

from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, Final

from django.db import models

# Eight decimals are what the finest currency of an account has (BTC).
MONEY: Final[dict[str, Any]] = {"max_digits": 23, "decimal_places": 8}
PLACES: Final = 8
CENT_PLACES: Final = 2
CENT: Final = Decimal("0.01")
_WIDE: Final = Context(prec=40)


def trimmed(value: Decimal) -> Decimal:
    """Return the same value with two decimals, or with as many more as it needs."""
    cents = value.quantize(CENT, context=_WIDE)
    return cents if cents == value else value.normalize(_WIDE)


def places_of(value: Decimal) -> int:
    """Return how many decimals the value needs: from 2 to 8."""
    exponent = trimmed(value).as_tuple().exponent
    return min(-exponent, PLACES) if isinstance(exponent, int) else CENT_PLACES


if TYPE_CHECKING:  # its stubs take type arguments, which Django's class does not
    MoneyField = models.DecimalField
else:

    class MoneyField(models.DecimalField):
        """Money in the currency of an account. 10,000.00 is read as that, not with the eight
        decimals of its column, and 0.05132412 as it was written."""

        def from_db_value(self, value, expression, connection):
            return None if value is None else trimmed(value)
