"""The JSON API as a whole; the routes are in accounts/api and trading/api."""

__all__ = ["answers", "fallback", "limits", "numbers"]
