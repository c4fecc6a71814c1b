"""What a host of the site does at the moment at which it is lost: it holds rows in a transaction.

`python -m tests.holder`, with the site's own settings: says "held", then nothing more.
"""

import os
import signal
import sys

import django


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
    django.setup()
    from django.db import transaction

    from accounts.models import Agent

    with transaction.atomic():
        held = list(Agent.objects.select_for_update())
        sys.stdout.write(f"held {len(held)}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
