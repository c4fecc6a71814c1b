"""The sums of decimal columns, exact on every database."""

from decimal import Decimal
from typing import Any

from django.db.models import DecimalField, Sum


class ExactSum(Sum):
    """Of a decimal column, null without rows. SQLite adds binary fractions, 33 times -2.80 to
    -92.3999999999999: rounded to the places of the column, it is the sum again."""

    def get_db_converters(self, connection: Any) -> Any:
        return [*super().get_db_converters(connection), self._rounded]

    def _rounded(self, value: Decimal | None, expression: Any, connection: Any) -> Decimal | None:
        field = self.output_field
        if value is None or not isinstance(field, DecimalField):
            return value
        return round(value, field.decimal_places)
