"""The sums of decimal columns, exact on every database."""

from decimal import Decimal
from typing import Any, Final

from django.db.models import DecimalField, Sum

# Of money and of volumes; a float of SQLite below that many holds them exactly.
PLACES: Final = 8
UNIT: Final = 10**PLACES
_WHOLE_BELOW: Final = 9e7


class _UnitSum:
    """An aggregate function of SQLite: adds whole units of 10**-8, not binary fractions."""

    def __init__(self) -> None:
        self.units: int | None = None

    def step(self, value: float | None) -> None:
        if value is not None:
            self.units = (self.units or 0) + _units(value)

    def finalize(self) -> float | None:
        return None if self.units is None else self.units / UNIT


def _units(value: float) -> int:
    if -_WHOLE_BELOW < value < _WHOLE_BELOW:
        return round(value * UNIT)
    return int((Decimal(repr(value)) * UNIT).to_integral_value())


class ExactSum(Sum):
    """Of a decimal column of at most eight places, null without rows. SQLite's own sum adds binary
    fractions, 33 times -2.80 to -92.3999999999999, and with eight places no rounding mends that."""

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        connection.ensure_connection()
        # Once a connection: SQLite redefines no function that a statement is using.
        if getattr(connection, "has_unit_sum", None) is not connection.connection:
            connection.connection.create_aggregate("UNIT_SUM", 1, _UnitSum)
            connection.has_unit_sum = connection.connection
        return super().as_sql(compiler, connection, function="UNIT_SUM", **extra)

    def get_db_converters(self, connection: Any) -> Any:
        return [*super().get_db_converters(connection), self._rounded]

    def _rounded(self, value: Decimal | None, expression: Any, connection: Any) -> Decimal | None:
        field = self.output_field
        if value is None or not isinstance(field, DecimalField):
            return value
        return round(value, field.decimal_places)
