"""Settings of the tests: the product's own, with a state folder of this process alone."""

import gc
import os
import tempfile

if "PYTEST_XDIST_WORKER" in os.environ:
    gc.disable()  # until all is imported, of which nothing is garbage: see conftest.py

# Each worker of pytest-xdist imports this once: it gets its own folder, database and Valkey.
os.environ["STATE_DIR"] = tempfile.mkdtemp(prefix="mt5monitor-tests-")
os.environ["AGENT_ALLOWED_NETWORKS"] = "127.0.0.0/8"
os.environ.pop("REDIS_URL", None)
os.environ["OPERATIONS_LINES"] = "0"  # nobody reads what tests log
os.environ["LOOP_DEAD_S"] = "0"  # a test's loop may rest, and this process go on
os.environ["MFA_REQUIRED"] = "0"  # but where it is what the test is about
os.environ["STEP_UP_MINUTES"] = "0"  # and here too

from mt5monitor.settings import *  # noqa: E402, F403

# It hands out files, which is for a browser to ask for; without it no request of a test's client
# goes through an event loop and a thread on its way to the page, which took half of its time.
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("servestatic.")]  # noqa: F405
CHECKED_AT_START = False  # hosts are what tests/hosts are about; each test says which
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# A file, as in production: an SQLite database in memory locks differently.
TEMPLATE = os.environ.get("TESTS_TEMPLATE")
DATABASES["default"]["TEST"] = {"NAME": None, "TEMPLATE": TEMPLATE}  # noqa: F405
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    DATABASES["default"]["TEST"] = {"NAME": str(STATE_DIR / "tests.sqlite3")}  # noqa: F405
# Nothing is collected in tests; the middleware that serves the folder wants it to be there.
STATIC_ROOT.mkdir(exist_ok=True)  # noqa: F405
