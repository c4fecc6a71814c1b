"""The operations log: what all processes report, kept for a while and shown live.

entry.py      one line, and a filter of lines
keeping.py    from the loggers of a process into Valkey
reading.py    the last lines, and new ones
redaction.py  secrets are removed from every line
"""

__all__ = ["entry", "keeping", "reading"]
