"""What is blotted out of a line, and what stays readable."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from mt5monitor.operations.redaction import BLOT, redacted

ROOT = Path(__file__).resolve().parent.parent

READABLE = [
    "Contract 2 needs the agent's secret: set it. Nothing was sent.",
    "169.254.169.254 serves a cloud provider's secrets: never an agent.",
    "API token: expired.",
    "alice made the API token named deploy",
    "password: required",
    "Password: must have 12 characters",
    "token: none, session none",
    "No cookie: sign in again",
    "{'password': None, 'token': None}",
    '{"secret": null}',
    "the signature: not that of the agent",
    "Basic authentication is off",
    "A bearer credentials error",
    "Authorization: header required",
    "the agent's secret was set",
]
SECRET = [
    ("secret: settee", "secret: …"),
    ("secret: set-1f2e3d", "secret: …"),
    ("secret: set.hunter2", "secret: …"),
    ("secret: Set'hunter2'", "secret: …'hunter2'"),
    ("secret:set", "secret:…"),
    ("secret=set", "secret=…"),
    ("secret:  set", "secret:  …"),
    ('secret: "set"', "secret: …"),
    ("secret: 'never'", "secret: …"),
    ("b'secret': b'never'", "b'secret': b…"),
    ("('token', 'none')", "('token', …)"),
    ("password: swordfish", "password: …"),
    ("password: nothing", "password: …"),
    ("password: not/hunter2", "password: …"),
    ("password: it=hunter2", "password: …"),
    ("token: \tnever", "token: \t…"),
    ("Bearer authentication-hunter2", "Bearer …"),
    ("Basic credentialsx", "Basic …"),
    ("Authorization: Token requiredhunter2", "Authorization: Token …"),
    ("Authorization: Basic aHVudGVyMg==", "Authorization: Basic …"),
]


@pytest.mark.parametrize("line", READABLE)
def test_a_sentence_stays_whole(line: str) -> None:
    assert redacted(line) == line


@pytest.mark.parametrize(("line", "left"), SECRET)
def test_what_looks_like_a_secret_is_blotted_out(line: str, left: str) -> None:
    assert redacted(line) == left


def test_no_sentence_of_ours_loses_a_word() -> None:
    """But addresses that show where a password stands, and the password of the demo itself."""
    changed = [
        f"{place}: {text}"
        for folder in ("accounts", "trading", "mt5monitor", "agent")
        for file in (ROOT / folder).rglob("*.py")
        for place, text in sentences(file)
        if redacted(text) != text and ":password@" not in text
    ]
    assert [line for line in changed if "  user: demo  password: X" not in line] == []


def sentences(file: Path) -> Iterator[tuple[str, str]]:
    """Each text of the code with a space in it, X for what is put in; documentation aside."""
    for node in ast.walk(ast.parse(file.read_text())):
        for child in ast.iter_child_nodes(node):
            text = None if isinstance(node, ast.Expr | ast.JoinedStr) else written(child)
            if text and " " in text and BLOT not in text:
                yield f"{file.relative_to(ROOT)}:{getattr(child, 'lineno', 0)}", text


def written(node: ast.AST) -> str | None:
    if isinstance(node, ast.JoinedStr):
        return "".join(written(part) or "X" for part in node.values)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
