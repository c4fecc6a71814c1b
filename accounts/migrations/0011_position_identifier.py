from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_token_password_mark")]

    operations = [
        migrations.AddField(
            model_name="position",
            name="identifier",
            field=models.BigIntegerField(
                help_text="stays when the ticket changes; unknown with contract 1", null=True
            ),
        ),
    ]
