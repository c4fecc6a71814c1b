from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("trading", "0010_history_explains_the_balance")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="position_identifier",
            field=models.BigIntegerField(
                help_text="of the position that it is about or opened; stays when tickets change",
                null=True,
            ),
        ),
    ]
