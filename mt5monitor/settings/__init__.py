"""Settings, all from the environment or a `.env` file beside manage.py; see README, Settings."""

from mt5monitor.env import OF_THE_STACK
from mt5monitor.envfile import unknown_names
from mt5monitor.settings.agents import *
from mt5monitor.settings.api import *
from mt5monitor.settings.data import *
from mt5monitor.settings.environment import *
from mt5monitor.settings.environment import ENV_FILE, SET_IN_FILE, env
from mt5monitor.settings.exports import *
from mt5monitor.settings.jobs import *
from mt5monitor.settings.live import *
from mt5monitor.settings.log import *
from mt5monitor.settings.polling import *
from mt5monitor.settings.site import *
from mt5monitor.settings.trading import *

# All settings were read by now, so all their names are known.
UNKNOWN_IN_FILE = unknown_names(ENV_FILE, SET_IN_FILE, env.names | OF_THE_STACK)
