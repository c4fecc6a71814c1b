from django.db import migrations, models

MONEY = {"max_digits": 20, "decimal_places": 2, "null": True}


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_versus")]

    operations = [
        migrations.AddField(
            "versus",
            f"commission_{role}",
            models.DecimalField(f"commission of {role.upper()}, a lot in and out", **MONEY),
        )
        for role in "ab"
    ]
