"""What the pages for operators say in numbers and lists is what the code does."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission

from mt5monitor.hosts import clock, entry, models
from mt5monitor.scheduler import QUEUE_MOST
from mt5monitor.settings.data import DATABASES
from mt5monitor.stack import child, programs
from mt5monitor.web import bodies

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "operations"
KB, MB = 1024, 1024 * 1024


def text_of(page: str) -> str:
    return " ".join((PAGES / page).read_text().split())


def test_every_page_is_listed_and_every_listed_page_exists() -> None:
    listed = re.findall(
        r"^\| .* \| \[([\w-]+\.md)\]\(\1\) \|$", (PAGES / "README.md").read_text(), re.M
    )
    assert set(listed) == {page.name for page in PAGES.iterdir()} - {"README.md"}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("install.md", f"{bodies.SIGNING_IN // KB} KB for signing in, {bodies.USUAL // KB} KB for"),
        ("install.md", f"{bodies.WHOLE_FLEET / MB:g} MB for forms of a whole fleet"),
        ("install.md", f"{bodies.IMPORT // MB} MB for an import of agents"),
        ("install.md", f"{bodies.LARGE_ONES_MOST // MB} MB of large bodies at once"),
        ("processes.md", f"waits of up to {child.MOST_WAIT_S:.0f} seconds"),
        ("processes.md", f"waits for it for {entry.DATABASE_STARTS_S:.0f} seconds at the start"),
        ("hosts.md", f"wait {models.LIVE.total_seconds():.0f} seconds"),
        ("statistics.md", f"a queue in which {QUEUE_MOST} tasks wait"),
    ],
)
def test_a_number_on_a_page_is_the_one_of_the_code(page: str, words: str) -> None:
    assert words in text_of(page)


def test_clocks_differ_by_no_more_than_the_pages_say() -> None:
    assert clock.TOLERATED_S == 1.0
    for page in ("hosts.md", "postgresql.md"):
        assert "more than one second away from the database's" in text_of(page)


def test_a_process_waits_for_sqlite_as_long_as_the_page_says() -> None:
    database = DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        assert f"wait for {database['OPTIONS']['timeout']} seconds" in text_of("postgresql.md")


def test_the_page_of_processes_names_the_lines_of_the_procfile() -> None:
    lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
    assert set(lines) == {*programs.NAMES, "release"}
    for name in lines:
        assert f"`{name}`" in text_of("processes.md")


def test_every_permission_of_our_own_is_described(db: None) -> None:
    usual = ("add_", "change_", "delete_", "view_")
    ours = Permission.objects.filter(content_type__app_label__in=("accounts", "trading"))
    page = text_of("access.md")
    for label, name in ours.values_list("content_type__app_label", "codename"):
        if not name.startswith(usual):
            assert f"`{label}.{name}`" in page
