"""The names of the tests themselves: each a sentence that fits on the screen of a failed run."""

import re
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent
DEFINED = re.compile(r"^ *(?:async )?def test_(\w+)", re.MULTILINE)
LONGEST = 69


def names(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the module and the name, without its prefix, of every test."""
    for path in sorted(folder.rglob("test_*.py")):
        module = path.relative_to(folder)
        for name in DEFINED.findall(path.read_text(encoding="utf-8")):
            yield module, name


def test_no_name_is_longer_than_a_line():
    found = list(names(TESTS))
    assert len(found) > 2000, "not all tests are looked at"
    assert [f"{path}: {name}" for path, name in found if len(name) > LONGEST] == []
