"""Static files that pages ask for: collected before a web process starts, or it does not start."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.apps import StaticFilesConfig
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.storage import ManifestStaticFilesStorage, staticfiles_storage

from mt5monitor.hosts.unfit import Unfit

# The other form of the API's documents, which nothing shows, is as large as all our own files.
NEVER_ASKED_FOR = ("redoc*",)


def check() -> None:
    """Raise Unfit when a file is missing in STATIC_ROOT. Where names have no hash, as in
    development, nothing is collected."""
    storage = staticfiles_storage
    if not isinstance(storage, ManifestStaticFilesStorage):
        return
    missing = next(_missing(storage), None)
    if missing is not None:
        raise Unfit(
            f"Static files are missing in {settings.STATIC_ROOT}, such as {missing}: "
            "run `manage.py collectstatic --noinput` first."
        )


def _missing(storage: ManifestStaticFilesStorage) -> Iterator[str]:
    root = Path(settings.STATIC_ROOT)
    ignored = [*StaticFilesConfig.ignore_patterns, *NEVER_ASKED_FOR]
    for finder in get_finders():
        for path, _ in finder.list(ignored):
            hashed = storage.hashed_files.get(storage.hash_key(path))
            if hashed is None or not (root / hashed).is_file():
                yield path
