import hashlib
import hmac

from django.contrib.auth import get_user_model
from django.db import migrations, models


def mark(apps, schema_editor):
    """Tokens that there are stay valid, and end with the password that their users have now."""
    user_model = get_user_model()
    tokens = apps.get_model("accounts", "ApiToken").objects
    for token in tokens.select_related("user").iterator():
        auth_hash = user_model(password=token.user.password).get_session_auth_hash()
        made = hmac.new(auth_hash.encode(), token.digest.encode(), hashlib.sha256).hexdigest()
        tokens.filter(pk=token.pk).update(password_mark=made)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0009_sync_sheets"), ("auth", "0012_alter_user_first_name_max_length")]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="password_mark",
            field=models.CharField(default="", editable=False, max_length=64),
            preserve_default=False,
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]
