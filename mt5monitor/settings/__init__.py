"""Settings, all from the environment or a `.env` file beside manage.py; see README, Settings."""

from mt5monitor.settings.data import *
from mt5monitor.settings.desk import *
from mt5monitor.settings.environment import *
from mt5monitor.settings.jobs import *
from mt5monitor.settings.log import *
from mt5monitor.settings.site import *
