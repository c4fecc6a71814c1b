"""Moving in from the original system: its files are read, what they mean here is planned, and the
plan is written whole or not at all. `moving.move` is the door."""

__all__ = ["moving", "strict"]
