"""Brings the database and the static files up to date; quick when they already are.

`python -m mt5monitor.stack.prepare`, run by the supervisor as a child of its own.
"""

import argparse
import hashlib
import logging
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor

from mt5monitor.garbage import no_search
from mt5monitor.hosts.collected import NEVER_ASKED_FOR
from mt5monitor.hosts.entry import await_database, check_fit
from mt5monitor.hosts.unfit import Unfit
from mt5monitor.stack.programs import NOBODY_CAN_SIGN_IN
from mt5monitor.text import first_line

log = logging.getLogger(__name__)

FAILED = 1


def migrate() -> None:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", interactive=False, verbosity=1)


def collect_static() -> None:
    stamp = Path(settings.STATE_DIR) / "static.stamp"
    found = static_fingerprint()
    if stamp.exists() and stamp.read_text() == found and settings.STATIC_ROOT.is_dir():
        return
    stamp.unlink(missing_ok=True)
    call_command(
        "collectstatic",
        interactive=False,
        verbosity=0,
        clear=settings.STATIC_ROOT.is_dir(),
        ignore_patterns=list(NEVER_ASKED_FOR),
    )
    stamp.write_text(found)


def static_fingerprint() -> str:
    """Differs when any static file of any app was added, removed or changed."""
    digest = hashlib.sha256(settings.STORAGES["staticfiles"]["BACKEND"].encode())
    for finder in get_finders():
        for path, storage in sorted(finder.list([]), key=lambda entry: entry[0]):
            status = Path(storage.path(path)).stat()
            digest.update(f"{path} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def someone_can_sign_in() -> bool:
    return bool(get_user_model().objects.filter(is_active=True).exists())


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mt5monitor.stack.prepare")
    parser.add_argument("--demo", action="store_true", help="also the demo's user and agents")
    parser.add_argument(
        "--dress", type=float, metavar="UNIX_S", help="only: wait for newer figures and dress them"
    )
    return parser.parse_args()


def main() -> int:
    options = parse()
    with no_search():
        django.setup()
        # The demo's rows are models, which can be imported from here on.
        from mt5monitor.stack import demo

    try:
        if options.dress is not None:
            return 0 if demo.dress(options.dress) else FAILED
        await_database()
        migrate()
        check_fit()
        collect_static()
        if options.demo:
            demo.prepare_rows()
        return 0 if someone_can_sign_in() else NOBODY_CAN_SIGN_IN
    except Unfit as error:
        sys.stdout.write(f"{error}\n")
        return FAILED
    except (Error, OSError) as error:
        log.exception("The database or the static files could not be prepared")
        sys.stdout.write(f"{first_line(error)}\n")
        return FAILED
    finally:
        # What was left out of the search for garbage is not closed at the end, and what SQLite had
        # still to write into its file would stay beside it.
        connection.close()


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mt5monitor.settings")
    sys.exit(main())
