#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.management import execute_from_command_line

from mt5monitor.open_files import allow_enough

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
    allow_enough()
    execute_from_command_line(sys.argv)
