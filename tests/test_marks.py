"""A module that uses the database directly runs on both databases, or says here why it need not."""

import re
from pathlib import Path

from tests.run import BOTH

TESTS = Path(__file__).parent
DIRECTLY = re.compile(
    r"^from django\.db import|^from django\.db\.models\.functions import|^import (psycopg|sqlite3)"
    r"|\b(DataError|IntegrityError|OperationalError)\b|connection\.vendor"
    r"|\.(aggregate|annotate|select_for_update)\(",
    re.MULTILINE,
)
# The agent keeps a file of its own; stacks and browsers ask the site as users do; deliveries are
# about messages, and their rows are those of other tests.
ELSEWHERE = {"agent", "browser", "live", "programs", "stack"}
ONCE = {
    "polling/test_on_demand.py": "closes the connections of its threads",
    "api/test_document.py": "keeps the connection of the test open",
    "hosts/test_start.py": "about a file; test_start_on_postgres.py is about a server",
    "hosts/test_waiting.py": "has no database: it raises the errors of one",
    "signin/test_mfa_required.py": "counts queries that other pages send too",
    "test_failed.py": "has no database: it raises the errors of one",
    "test_markup.py": "reads the fields of models",
    "test_marks.py": "names what it looks for",
    "test_readme.py": "about the file that README copies",
    "trading/test_machine_bites.py": "about the machine, which runs on both",
}


def direct() -> set[str]:
    """Return the modules without a mark that use the database directly."""
    found = set()
    for path in TESTS.rglob("test_*.py"):
        module, text = path.relative_to(TESTS), path.read_text(encoding="utf-8")
        if module.parts[0] not in ELSEWHERE and DIRECTLY.search(text) and BOTH not in text:
            found.add(module.as_posix())
    return found


def test_a_module_that_uses_the_database_directly_is_marked_or_says_why_not():
    assert direct() == set(ONCE)
