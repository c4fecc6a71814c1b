"""The folder of the original."""

from pathlib import Path

import pytest

from tests.original.folder import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)
