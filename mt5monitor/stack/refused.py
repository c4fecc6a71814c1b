"""Why the stack does not start, in one line for the person who started it."""


class Refused(Exception):
    """The stack cannot start, or cannot go on; its text says why and what to do about it."""


def first_line(error: BaseException) -> str:
    """Return the first line of its text, or the name of its type where it has none."""
    return (f"{error}".strip() or type(error).__name__).splitlines()[0]
