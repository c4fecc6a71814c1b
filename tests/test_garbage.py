"""What is loaded when a process begins to serve is left out of the search for garbage."""

import os
import subprocess
import sys

import pytest

LOADED = 100_000  # objects, of the 170,000 or so of a web process
COUNT = "import gc; print(gc.isenabled(), gc.get_freeze_count())"
BEGINS = {
    "web": "import mt5monitor.asgi",
    "beat": "from mt5monitor.celery import app; app.loader.import_default_modules()",
    "worker": (
        "from celery.signals import worker_ready; from mt5monitor.celery import app\n"
        "app.loader.import_default_modules(); worker_ready.send(None)"
    ),
}


@pytest.mark.parametrize("process", BEGINS)
def test_what_is_loaded_is_spared_and_the_rest_is_searched(process: str) -> None:
    run = [sys.executable, "-c", f"{BEGINS[process]}\n{COUNT}"]
    product = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.live.settings"}
    done = subprocess.run(run, env=product, capture_output=True, text=True, check=True)
    searched, spared = done.stdout.split()
    assert searched == "True"
    assert int(spared) > LOADED
