"""The secret that an agent shares with the monitor, kept in a file of its own."""

import os
import secrets
from pathlib import Path


def read_or_make_secret(path: Path) -> tuple[bytes, bool]:
    """The secret as the UTF-8 bytes of the file's text, and whether it was made just now.

    A new file is readable by its owner alone. Raises `ValueError` when the file is too short to
    hold a secret, `OSError` when it cannot be read or written.
    """
    made = False
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    else:
        made = True
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
    text = path.read_text(encoding="utf-8").strip()
    if len(text) < 32:
        raise ValueError("a secret needs at least 32 characters")
    return text.encode(), made
