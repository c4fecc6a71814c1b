"""The operations log: what all processes of the monitor say, kept for a while and shown live."""

__all__ = ["entry", "keeping", "reading"]
