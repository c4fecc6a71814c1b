"""Another host's session that keeps rows locked inside a transaction, and short limits for ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, models

from mt5monitor import postgres
from mt5monitor.postgres import Limits

OFF = Limits(0, 0, 0, 0)


def session(limits: Limits = OFF) -> psycopg.Connection[Any]:
    """A session of its own, in a transaction from its first statement on."""
    found = connection.get_connection_params()
    plain = {"options": "", "cursor_factory": psycopg.Cursor, "context": None}
    return psycopg.connect(**postgres.options(found | plain, limits))


@contextmanager
def holding(rows: "models.QuerySet[Any]", limits: Limits = OFF) -> Iterator[None]:
    """These rows are locked by a session that says nothing more until the block ends."""
    pks = list(rows.values_list("pk", flat=True))
    table = rows.model._meta.db_table
    with session(limits) as other:
        other.execute(f"SELECT 1 FROM {table} WHERE id = ANY(%s) FOR UPDATE", [pks])  # noqa: S608
        yield
        other.close()


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Connections of this process have these limits."""
    options = connection.settings_dict["OPTIONS"]
    before = options.get("options", "")
    connection.close()
    options["options"] = postgres.options({}, limits).get("options", "")
    try:
        yield
    finally:
        connection.close()
        options["options"] = before
