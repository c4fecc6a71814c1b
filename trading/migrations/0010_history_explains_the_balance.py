from django.db import migrations, models

UNCERTAIN = "how far the broker's clock was from UTC is not proven"


class Migration(migrations.Migration):
    """Times that are here already were made with the distance of the day on which they were read:
    uncertain, until all is read again from an agent that can prove them."""

    dependencies = [("trading", "0009_versus_archive_and_standing")]

    operations = [
        migrations.AddField(
            model_name="closedtrade",
            name="times_uncertain",
            field=models.BooleanField(default=True, help_text=UNCERTAIN),
        ),
        migrations.AlterField(
            model_name="closedtrade",
            name="times_uncertain",
            field=models.BooleanField(default=False, help_text=UNCERTAIN),
        ),
        migrations.AddField(
            model_name="deal",
            name="at_uncertain",
            field=models.BooleanField(default=True, help_text=UNCERTAIN),
        ),
        migrations.AlterField(
            model_name="deal",
            name="at_uncertain",
            field=models.BooleanField(default=False, help_text=UNCERTAIN),
        ),
        migrations.AddField(
            model_name="historysync",
            name="again_at",
            field=models.DateTimeField(help_text="when all of it is read again", null=True),
        ),
        migrations.AddField(
            model_name="historysync",
            name="incomplete_since",
            field=models.DateTimeField(
                help_text="since when the unexplained amount is what it is", null=True
            ),
        ),
        migrations.AddField(
            model_name="historysync",
            name="unexplained",
            field=models.DecimalField(
                decimal_places=2,
                help_text="of the balance, by what was read; empty: it cannot be checked",
                max_digits=20,
                null=True,
            ),
        ),
    ]
