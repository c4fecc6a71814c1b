"""Agents that answer what a test says, as in tests/polling."""

from tests.polling.conftest import fleet

__all__ = ["fleet"]
