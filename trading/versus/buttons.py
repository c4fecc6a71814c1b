"""What a person can do with a versus on its page."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is safe from here; `name` is that of its page."""

    name: str
    label: str
    tone: str = ""


FREEZE = Act("versus-freeze", "Freeze", "primary")
TRANSFER = Act("versus-transfer", "Transfer", "primary")
SCHEDULE = Act("versus-schedule", "Schedule")
CANCEL = Act("versus-cancel", "Cancel it")
CLOSE = Act("versus-close", "Close both", "danger")
TAKE = Act("versus-take", "Take over", "primary")
ARCHIVE = Act("versus-archive", "Archive")
RESTORE = Act("versus-restore", "Restore from archive")
