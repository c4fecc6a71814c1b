"""The documents of the project, and what they name: links, headings, files, commands."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("", "agent", "benchmarks", "docs", "docs/adr", "docs/operations")
_FENCE = re.compile(r"^[ ]*```(\w*)\n(.*?)^[ ]*```$", re.M | re.S)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]*)\)")
_HEADING = re.compile(r"^#+ +(.+)$", re.M)


@dataclass(frozen=True)
class Document:
    path: Path

    def __str__(self) -> str:
        return str(self.path.relative_to(ROOT))

    @cached_property
    def text(self) -> str:
        return self.path.read_text()

    @cached_property
    def prose(self) -> str:
        """Without blocks of code."""
        return _FENCE.sub("", self.text)

    @property
    def links(self) -> list[str]:
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """Of its headings, as GitHub makes them."""
        seen: Counter[str] = Counter()
        found = set()
        for heading in _HEADING.findall(self.prose):
            anchor = _anchor(heading)
            found.add(f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor)
            seen[anchor] += 1
        return found

    @property
    def words(self) -> list[str]:
        """What stands in backticks within the prose."""
        return _CODE.findall(self.prose)

    @property
    def commands(self) -> list[str]:
        """The lines of its blocks of shell commands, continued ones joined, without comments."""
        blocks = [body for kind, body in _FENCE.findall(self.text) if kind == "sh"]
        lines = [line.strip() for body in blocks for line in body.replace("\\\n", " ").splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def _anchor(heading: str) -> str:
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def documents() -> list[Document]:
    """All that are read by people, but for the changelog, which names what there was once."""
    paths = (path for folder in FOLDERS for path in sorted((ROOT / folder).glob("*.md")))
    return [Document(path) for path in paths if path.name != "CHANGELOG.md"]
