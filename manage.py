#!/usr/bin/env python
"""Django's command line."""

import importlib
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from mt5monitor.garbage import search_seldom
from mt5monitor.open_files import allow_enough


def check_settings() -> None:
    """End with the one sentence about a setting that is not understood, not with a traceback."""
    try:
        importlib.import_module(os.environ["DJANGO_SETTINGS_MODULE"])
    except ImproperlyConfigured as error:
        sys.exit(f"{error}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
    search_seldom()
    allow_enough()
    check_settings()
    execute_from_command_line(sys.argv)
