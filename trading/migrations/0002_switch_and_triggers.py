from django.db import migrations

from trading import triggers

ASKED = (
    "client_key",
    "tag",
    "magic",
    "kind",
    "account_id",
    "login",
    "server",
    "agent_name",
    "agent_url",
    "contract",
    "username",
    "symbol",
    "side",
    "volume",
    "sl",
    "tp",
    "position",
    "deviation",
    "overrides_lock",
    "override_reason",
    "placed_at",
    "valid_until",
)


def add_switch(apps, schema_editor):
    apps.get_model("trading", "TradingSwitch").objects.get_or_create(pk=1)


def create_triggers(apps, schema_editor):
    tables = ("trading_order", "trading_orderevent")
    triggers.create(schema_editor.connection, ASKED, tables=tables)


def drop_triggers(apps, schema_editor):
    triggers.drop(schema_editor.connection)


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial")]
    operations = [
        migrations.RunPython(add_switch, migrations.RunPython.noop),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
