"""The rows that migrations wrote: a test that empties the database leaves them as they were."""

from django.apps import apps
from django.db import transaction
from django.db.models import Model

Rows = list[list[Model]]


def read() -> Rows:
    """Those of each table that has any."""
    models = [model for model in apps.get_models() if model._meta.can_migrate("default")]
    return [rows for model in models if (rows := list(model._base_manager.all()))]


def write(tables: Rows) -> None:
    """Into tables that are empty; one that is not was left as it was.

    In one transaction: rows may refer to those of a later table.
    """
    with transaction.atomic():
        for rows in tables:
            manager = type(rows[0])._base_manager
            if not manager.exists():
                manager.bulk_create(rows)
