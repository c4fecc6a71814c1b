import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0015_approvals_and_quotas'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='Generation',
            fields=[
                ('user', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='generation', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('number', models.PositiveIntegerField(default=0)),
            ],
            options={
                'default_permissions': (),
            },
        ),
        migrations.AddField(
            model_name='apitoken',
            name='factor',
            field=models.BigIntegerField(editable=False, help_text='id of the second factor that was shown', null=True),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='generation',
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='proven_at',
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AddField(
            model_name='apitoken',
            name='proven_by',
            field=models.CharField(choices=[('unknown', 'not recorded'), ('none', 'nothing: made by another user'), ('password', 'the password alone'), ('totp', 'an authenticator app'), ('recovery_codes', 'a recovery code'), ('webauthn', 'a passkey')], db_default='unknown', default='unknown', editable=False, max_length=16, verbose_name='made with'),
        ),
    ]
