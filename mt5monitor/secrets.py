"""Keys that a desk did not set: made once and kept beside its data, readable by its owner only."""

import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from mt5monitor.text_file import NotText, decoded


def kept_key(path: Path) -> str:
    """The key stored at `path`, made on first use. Raises ImproperlyConfigured if it cannot be."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return _read_or_make(path)
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot keep a key in {path}: {error.strerror}. "
            "Set STATE_DIR to a folder that can be written, or set the key in the environment."
        ) from error
    except NotText as error:
        raise ImproperlyConfigured(f"{path} {error}") from error


def _read_or_make(path: Path) -> str:
    """Several processes may start at once: the first to link its file wins, all read the winner."""
    if not path.exists():
        # Not by process id, which is 1 in every container that shares the folder.
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    key = decoded(path.read_bytes()).strip()
    if not key:
        raise NotText("is empty. Restore it from a backup, or delete it to get a new key.")
    return key
