from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_view_logs")]
    operations = [
        migrations.AlterModelOptions(
            name="account",
            options={
                "ordering": ["number"],
                "permissions": [
                    ("change_phase", "Can change the phase of accounts"),
                    ("change_vs", "Can change the VS group of accounts"),
                    ("view_logs", "Can see the operations log"),
                    ("sync_sheets", "Can write the fleet and its trades to Google Sheets"),
                ],
            },
        ),
    ]
