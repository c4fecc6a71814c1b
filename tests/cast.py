"""The cast of the tests of access: one of each kind of user there is."""

from django.contrib.auth.models import Permission, User

from tests.factories import make_user

VIEW = ("accounts.view_account", "accounts.view_agent")
EDIT = ("accounts.change_phase", "accounts.change_vs", "accounts.change_account")

TRADE = ("trading.trade",)

# Nobody; signed in and nothing else; a teammate who looks; one who edits; one who trades; staff who
# may enter the admin and nothing in it; staff who may look at everything; who may do everything.
ROLES = ("anonymous", "stranger", "viewer", "editor", "trader", "staff", "auditor", "boss")


def somebody(role: str) -> User | None:
    """A new user of this role; None for anonymous."""
    if role == "anonymous":
        return None
    more = {"viewer": (), "editor": EDIT, "trader": TRADE}
    permissions = (*VIEW, *more[role]) if role in more else ()
    staff = role in ("staff", "auditor", "boss")
    user = make_user(*permissions, is_staff=staff, is_superuser=role == "boss")
    if role == "auditor":
        user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user
