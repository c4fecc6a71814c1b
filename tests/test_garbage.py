"""What is loaded when a process begins to serve is left out of the search for garbage."""

import subprocess
import sys

import pytest

LOADED = 100_000  # objects, of the 170,000 or so of a web process
COUNT = "import gc; print(gc.isenabled(), gc.get_freeze_count())"
BEGINS = {
    "web": "import mt5monitor.asgi",
    "worker": (
        "import mt5monitor.asgi, gc; gc.unfreeze()\n"
        "from celery.signals import worker_ready; import mt5monitor.celery\n"
        "worker_ready.send(None)"
    ),
}


@pytest.mark.parametrize("process", BEGINS)
def test_what_is_loaded_is_spared_and_the_rest_is_searched(process: str) -> None:
    run = [sys.executable, "-c", f"{BEGINS[process]}\n{COUNT}"]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    searched, spared = done.stdout.split()
    assert searched == "True"
    assert int(spared) > LOADED
