"""Why the stack does not start, in one line for the person who started it."""


class Refused(Exception):
    """The stack cannot start, or cannot go on; its text says why and what to do about it."""
