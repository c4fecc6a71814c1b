from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_api_tokens")]

    operations = [
        migrations.AlterModelOptions(
            "account",
            {
                "ordering": ["number"],
                "permissions": [
                    ("change_phase", "Can change the phase of accounts"),
                    ("change_vs", "Can change the VS group of accounts"),
                    ("view_logs", "Can see the operations log"),
                ],
            },
        )
    ]
