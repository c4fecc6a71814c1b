"""Orders and versus."""

from mt5monitor.secrets import kept_key
from mt5monitor.settings.environment import STATE_DIR, env

# Off: no order leaves, whoever asks. The switch in the admin and that of each agent come on top.
TRADING_ENABLED = env.bool("TRADING_ENABLED", False)
# Off: no versus begins or goes on to open anything.
VERSUS_ENABLED = env.bool("VERSUS_ENABLED", False)
# What a firm forbids, or says nothing about, needs an acknowledgement; or is refused altogether.
VERSUS_FIRM_RULES = env.choice("VERSUS_FIRM_RULES", "acknowledge", ("acknowledge", "refuse"))
# A database that was restored or copied finds another one, and starts with trading off.
INSTANCE_ID = env.str("INSTANCE_ID", "") or kept_key(STATE_DIR / "instance_id")
