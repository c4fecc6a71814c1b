"""What the documents say is so: links lead somewhere, what they name exists."""

import re
import shlex
import subprocess
from argparse import ArgumentParser
from functools import cache
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.management import get_commands, load_command_class
from django.urls import Resolver404, resolve

from mt5monitor.api.site import api
from tests.documents import ROOT, Document, documents

DOCUMENTS = documents()
APPS = ("accounts", "trading", "mt5monitor", "tests", "benchmarks")
LABELLED = [one for one in DOCUMENTS if str(one) == "docs/user-guide.md"]
# What a command makes, or a desk has, and the project does not.
ELSEWHERE = {"var/"}
EXISTING = re.compile(r"[\w.-]+(?:/[\w.-]+)*(?:/|\.(?:py|js|css|html|md|txt|toml))")
DOTTED = re.compile(rf"(?:{'|'.join(APPS)})(?:\.\w+)+")
NAME = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
MANAGE = re.compile(r"(?:\.venv/bin/python )?manage\.py( .*)?")
MAKE = re.compile(r"make ([a-z]+)(?: |$)")
ROUTE = re.compile(r"(GET|POST|PUT|DELETE) (/api/[^ ?]*)")
each = pytest.mark.parametrize("document", DOCUMENTS, ids=str)


def test_there_are_documents_for_each_reader() -> None:
    names = {str(one) for one in DOCUMENTS}
    assert {"README.md", "docs/README.md", "docs/user-guide.md", "docs/api.md"} <= names
    assert {"docs/architecture.md", "docs/trading-safety.md", "agent/README.md"} <= names


@each
def test_every_link_leads_to_a_file_and_a_heading(document: Document) -> None:
    for link in document.links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.path.parent / path).resolve() if path else document.path
        assert target.exists(), f"{document}: {link}"
        if anchor:
            assert anchor in Document(target).anchors, f"{document}: {link}"


@each
def test_every_file_that_is_named_exists(document: Document) -> None:
    homes = (ROOT, document.path.parent)
    for word in document.words:
        if EXISTING.fullmatch(word) and word not in ELSEWHERE:
            assert any(home / word in _tracked() for home in homes), f"{document}: {word}"


@cache
def _tracked() -> frozenset[Path]:
    """Files that git knows and their folders: of a folder that has moved, caches stay behind."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True).stdout
    files = [ROOT / name for name in listed.splitlines()]
    return frozenset(files).union(*(path.parents for path in files))


@each
def test_every_module_and_permission_that_is_named_exists(document: Document, db: None) -> None:
    known = {f"{app}.{name}" for app, name in Permission.objects.values_list(
        "content_type__app_label", "codename")}  # fmt: skip
    for word in document.words:
        if DOTTED.fullmatch(word) and not EXISTING.fullmatch(word):
            assert word in known or _is_module(word), f"{document}: {word}"


def _is_module(name: str) -> bool:
    path = ROOT / name.replace(".", "/")
    return path in _tracked() or path.with_suffix(".py") in _tracked()


@each
def test_every_name_in_capitals_stands_in_the_code(document: Document) -> None:
    """Settings above all: whether each is described is tested with their own page."""
    for word in document.words:
        name = word.partition("=")[0]
        if NAME.fullmatch(name):
            assert name in _names_in_code(), f"{document}: {name}"


@cache
def _names_in_code() -> frozenset[str]:
    folders = [ROOT / name for name in ("accounts", "trading", "mt5monitor", "agent", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*.py")]
    found = (re.findall(r"\b[A-Z][A-Z0-9_]+\b", path.read_text()) for path in files)
    return frozenset(name for names in found for name in names)


@each
def test_every_command_that_is_named_exists(document: Document) -> None:
    for word in [*document.words, *document.commands]:
        if managed := MANAGE.fullmatch(word):
            _check_managed((managed[1] or "").strip(), f"{document}: {word}")
        if made := MAKE.match(word):
            assert made[1] in _targets(), f"{document}: {word}"


def _check_managed(text: str, where: str) -> None:
    """A word in capitals stands for what is typed, an ellipsis or brackets for more of it."""
    words = [word for word in shlex.split(text) if not word.startswith(("…", "[", "...."))]
    if not words or words[0].isupper():
        return
    command = get_commands().get(words[0])
    assert command is not None, where
    made = load_command_class(str(command), words[0])
    parser: ArgumentParser = made.create_parser("manage.py", words[0])
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", parser.format_help()))
    options = [word.partition("=")[0] for word in words[1:] if word.startswith("-")]
    assert set(options) <= known, where


@cache
def _targets() -> frozenset[str]:
    text = (ROOT / "Makefile").read_text()
    return frozenset(re.findall(r"^\.PHONY: (.*)$", text, re.M)[0].split())


@each
def test_every_route_of_the_api_that_is_named_exists(document: Document) -> None:
    for word in document.words:
        for method, path in ROUTE.findall(word):
            asked = (method, re.sub(r"\{\w+\}|(?<=/)\d+(?=/|$)", "*", path))
            assert asked in _routes() or _is_page(path), f"{document}: {word}"


@cache
def _routes() -> set[tuple[str, str]]:
    """The method and the path of each route, with a star for each parameter."""
    paths = api.get_openapi_schema()["paths"]
    return {
        (method.upper(), re.sub(r"\{\w+\}", "*", path))
        for path, methods in paths.items()
        for method in methods
    }


def _is_page(path: str) -> bool:
    try:
        return not path.startswith("/api/") and resolve(path).url_name is not None
    except Resolver404:
        return False


@pytest.mark.parametrize("document", LABELLED, ids=str)
def test_every_label_in_the_user_guide_stands_on_a_page(document: Document) -> None:
    """Labels are in bold."""
    shown = _shown()
    for label in re.findall(r"\*\*([^*\n]+(?:\n[^*\n]+)?)\*\*", document.prose):
        words = " ".join(label.split())
        assert words in shown, words


@cache
def _shown() -> str:
    static = ROOT / "mt5monitor/static/mt5monitor"
    sources: list[Path] = [*(ROOT / "templates").rglob("*.html"), *static.glob("*.js")]
    for app in ("accounts", "trading"):
        sources += (ROOT / app).rglob("*.py")
    return "\n".join(" ".join(path.read_text().split()) for path in sources)


# What a test runs, in tests/test_readme.py, tests/stack and tests/api/test_examples.py.
RUN = ("make ", ".venv/bin/python manage.py ", ".venv/bin/python -c ", "curl ")
STARTS = re.compile(r"(?:\.venv/bin/)?python -m ([\w.]+)")


@each
def test_every_shell_command_is_of_a_kind_that_is_checked(document: Document) -> None:
    for command in document.commands:
        if started := STARTS.match(command):
            assert _is_module(started[1]), f"{document}: {command}"
        else:
            assert command.startswith(RUN), f"{document}: {command}"
