"""The secret that an agent shares with the monitor, kept in a file of its own."""

import os
import secrets
from pathlib import Path

from agent.text_file import read_text


def read_or_make_secret(path: Path) -> tuple[bytes, bool]:
    """The secret as the UTF-8 bytes of the file's text, and whether it was made just now.

    A new file is readable by its owner alone. Raises `ValueError` when the file does not hold one
    line of at least 32 characters, `OSError` when it cannot be read or written.
    """
    _check_name(path)
    made = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        made = True
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    text = read_text(path).strip()
    if len(text) < 32:
        raise ValueError("a secret needs at least 32 characters")
    if not text.isprintable():
        raise ValueError("a secret is one line, without tabs and other control characters")
    return text.encode(), made


def _check_name(path: Path) -> None:
    """Notepad adds .txt to what it saves: a new secret would be made beside the one meant."""
    written = path.with_name(f"{path.name}.txt")
    if not path.exists() and written.exists():
        raise ValueError(f"there is no such file, but {written.name}: rename it to {path.name}")
