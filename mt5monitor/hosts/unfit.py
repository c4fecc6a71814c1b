"""The error that keeps a process from starting."""


class Unfit(Exception):
    """This host cannot take part in the site as it is; the text is one sentence for a person."""
