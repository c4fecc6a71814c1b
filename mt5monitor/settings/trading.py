"""Orders and versus."""

from mt5monitor.declared import Group
from mt5monitor.secrets import kept_key
from mt5monitor.settings.environment import STATE_DIR, reader

env = reader(Group.TRADING)
TRADING_ENABLED = env.bool(
    "TRADING_ENABLED",
    False,
    "Whether orders can be sent at all; the switch of all trading and that of each agent must be "
    "on too.",
    shown="off; on in the demo",
)
VERSUS_ENABLED = env.bool(
    "VERSUS_ENABLED",
    False,
    "Whether versus can begin, or open a leg.",
    shown="off; on in the demo",
)
VERSUS_FIRM_RULES = env.choice(
    "VERSUS_FIRM_RULES",
    "acknowledge",
    ("acknowledge", "refuse"),
    "What happens with a versus that a firm forbids or says nothing about: a user with the "
    "permission acknowledges it, or it is refused.",
)

env = reader(Group.KEYS)
# A database that was restored or copied finds another one, and starts with trading off.
INSTANCE_ID = env.str(
    "INSTANCE_ID",
    "",
    "Identity of the site, the same on all its hosts; a database that was last used under another "
    "id starts with trading off.",
    shown="made once, kept in `STATE_DIR`",
) or kept_key(STATE_DIR / "instance_id")
