"""pre-commit runs what `make check` runs, from .venv."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
CONFIG = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
HOOKS: list[dict[str, Any]] = [hook for repo in CONFIG["repos"] for hook in repo["hooks"]]


def test_the_hooks_are_the_commands_of_make_check() -> None:
    makefile = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin")
    recipe = re.findall(r"^check: .*\n((?:\t.*\n)+)", makefile, re.M)[0]
    tools = re.findall(r"^\t(\.venv/bin/.*)$", recipe, re.M)
    tools += re.findall(r"-exec (.*) \{\} \+$", recipe, re.M)
    entries = [hook["entry"] for hook in HOOKS if not hook.get("args")]
    assert sorted(tools) == sorted(entries)
    manage = re.findall(r"for command in '(.*)' '(.*)';", recipe)[0]
    assert [" ".join(hook["args"]) for hook in HOOKS if hook.get("args")] == [*manage]
    for hook in HOOKS:
        if hook.get("args"):
            assert "PUBLIC_URL=https://monitor.example.com .venv/bin/python" in hook["entry"]


def test_no_hook_downloads_anything() -> None:
    assert [repo["repo"] for repo in CONFIG["repos"]] == ["local"]
    assert {hook["language"] for hook in HOOKS} == {"system"}
