"""Processes that hold a connection an agent, or a socket a browser, may open enough of them."""

import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

STARTS = {
    "celery": "import mt5monitor.celery",
    "web": "import mt5monitor.asgi",
    "command": "import runpy; "
    "import django.core.management as m; m.execute_from_command_line = lambda argv: None; "
    "runpy.run_path('manage.py', run_name='__main__')",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_process_starts_with_as_many_open_files_as_it_may_have(start: str) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if hard == resource.RLIM_INFINITY else min(hard, 4096)
    code = (
        f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, {most})); {start}; "
        "print(*resource.getrlimit(resource.RLIMIT_NOFILE))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [str(most), str(most)]
