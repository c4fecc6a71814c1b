"""The phases that the desk works with; staff may change them and define more."""

from django.db import migrations

PHASES = [
    # name, description, color, order, default, retired
    ("F1", "First evaluation phase", "blue", 1, True, False),
    ("F2", "Second evaluation phase", "violet", 2, False, False),
    ("R", "Real, funded", "green", 3, False, False),
    ("Q", "Burned", "slate", 4, False, True),
]


def add_phases(apps, schema_editor):
    Phase = apps.get_model("accounts", "Phase")
    for name, description, color, order, is_default, is_retired in PHASES:
        Phase.objects.get_or_create(
            name=name,
            defaults={
                "description": description,
                "color": color,
                "order": order,
                "is_default": is_default,
                "is_retired": is_retired,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    # Backwards nothing is removed: accounts may be in these phases.
    operations = [migrations.RunPython(add_phases, migrations.RunPython.noop)]
