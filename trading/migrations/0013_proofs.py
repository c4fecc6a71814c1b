import django.db.models.deletion
from django.db import migrations, models

from trading import triggers

BEFORE = (
    *("client_key", "tag", "magic", "kind", "account_id", "login", "server", "agent_name"),
    *("agent_url", "contract", "username", "symbol", "side", "volume", "sl", "tp", "position"),
    *("deviation", "overrides_lock", "override_reason", "versus_id", "run", "step", "placed_at"),
    "valid_until",
)
ASKED = (*BEFORE, "proven_by", "proven_at", "factor", "generation")
TABLES = ("trading_order", "trading_orderevent", "trading_versusevent")


def drop_triggers(apps, schema_editor):
    triggers.drop(schema_editor.connection)


def create_triggers(apps, schema_editor):
    triggers.create(schema_editor.connection, ASKED, tables=TABLES)


def create_triggers_of_before(apps, schema_editor):
    triggers.create(schema_editor.connection, BEFORE, tables=TABLES)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0016_proofs'),
        ('trading', '0012_figures_of_any_fineness'),
    ]

    operations = [
        # SQLite makes tables again and would lose them. What was placed before has proven nothing.
        migrations.RunPython(drop_triggers, create_triggers_of_before),
        migrations.AddField(
            model_name='order',
            name='factor',
            field=models.BigIntegerField(editable=False, help_text='id of the second factor that was shown', null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='generation',
            field=models.PositiveIntegerField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='proven_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='order',
            name='proven_by',
            field=models.CharField(choices=[('unknown', 'not recorded'), ('none', 'nothing: made by another user'), ('password', 'the password alone'), ('totp', 'an authenticator app'), ('recovery_codes', 'a recovery code'), ('webauthn', 'a passkey')], db_default='unknown', default='unknown', editable=False, max_length=16, verbose_name='made with'),
        ),
        migrations.AddField(
            model_name='order',
            name='token',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='orders', to='accounts.apitoken'),
        ),
        migrations.AddField(
            model_name='standingacknowledgement',
            name='factor',
            field=models.BigIntegerField(editable=False, help_text='id of the second factor that was shown', null=True),
        ),
        migrations.AddField(
            model_name='standingacknowledgement',
            name='proven_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='standingacknowledgement',
            name='proven_by',
            field=models.CharField(choices=[('unknown', 'not recorded'), ('none', 'nothing: made by another user'), ('password', 'the password alone'), ('totp', 'an authenticator app'), ('recovery_codes', 'a recovery code'), ('webauthn', 'a passkey')], db_default='unknown', default='unknown', editable=False, max_length=16, verbose_name='made with'),
        ),
        migrations.AddField(
            model_name='versus',
            name='factor',
            field=models.BigIntegerField(editable=False, help_text='id of the second factor that was shown', null=True),
        ),
        migrations.AddField(
            model_name='versus',
            name='proven_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='versus',
            name='proven_by',
            field=models.CharField(choices=[('unknown', 'not recorded'), ('none', 'nothing: made by another user'), ('password', 'the password alone'), ('totp', 'an authenticator app'), ('recovery_codes', 'a recovery code'), ('webauthn', 'a passkey')], db_default='unknown', default='unknown', editable=False, max_length=16, verbose_name='made with'),
        ),
        migrations.RunPython(create_triggers, drop_triggers),
    ]
