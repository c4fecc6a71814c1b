"""What CONTRIBUTING.md and SECURITY.md name exists: paths, links, and names in files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("CONTRIBUTING.md", "SECURITY.md")
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|\.?[\w-]+\.(?:py|md|toml|txt|yaml))`")
# "`KINDS` in `accounts/events/access.py`", "`POLLED` there" is not checked.
NAME_IN = re.compile(r"`(\w+)`(?: and `\w+`)? in\s+`([\w/.]+\.py)`")


@pytest.mark.parametrize("page", PAGES)
def test_every_path_exists(page: str) -> None:
    paths = PATH.findall((ROOT / page).read_text())
    assert paths
    for path in paths:
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_to_a_file_and_a_heading(page: str) -> None:
    for link in re.findall(r"\]\(([^)]+)\)", (ROOT / page).read_text()):
        path, _, anchor = link.partition("#")
        if not link.startswith("https:"):
            assert (ROOT / path).is_file(), link
            assert not anchor or anchor in headings(ROOT / path), link


def headings(path: Path) -> set[str]:
    found = re.findall(r"^#+ (.+)$", path.read_text(), re.M)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}


def test_every_name_stands_in_the_file_that_is_named_beside_it() -> None:
    named = NAME_IN.findall((ROOT / "CONTRIBUTING.md").read_text())
    assert len(named) >= 10
    for name, path in named:
        assert re.search(rf"\b{name}\b", (ROOT / path).read_text()), f"{name} in {path}"
