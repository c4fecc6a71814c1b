"""The pages: each view fetches, guards, makes one call, responds."""

__all__ = ["account", "answers", "exports"]
