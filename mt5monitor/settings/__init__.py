"""Settings, from the environment or a `.env` file beside manage.py: docs/operations/settings.md."""

from mt5monitor import stack_settings as stack_settings
from mt5monitor.declared import DECLARED
from mt5monitor.envfile import unknown_names
from mt5monitor.settings.agents import *
from mt5monitor.settings.api import *
from mt5monitor.settings.data import *
from mt5monitor.settings.environment import *
from mt5monitor.settings.environment import ENV_FILE, SET_IN_FILE
from mt5monitor.settings.exports import *
from mt5monitor.settings.jobs import *
from mt5monitor.settings.live import *
from mt5monitor.settings.log import *
from mt5monitor.settings.polling import *
from mt5monitor.settings.site import *
from mt5monitor.settings.trading import *

# All settings are declared by now, those that only the stack reads too.
UNKNOWN_IN_FILE = unknown_names(ENV_FILE, SET_IN_FILE, DECLARED)
