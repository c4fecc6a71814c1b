"""Orders of contract v2: executed at most once, journalled before they are sent."""

__all__ = ["desk", "journal", "retcodes", "routes"]
