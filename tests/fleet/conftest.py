"""The cast of the pages."""

from tests.pages.conftest import editor, stranger, viewer

__all__ = ["editor", "stranger", "viewer"]
