"""The page of all settings, docs/operations/settings.md, written from their declarations."""

from collections.abc import Collection, Iterator

from mt5monitor.declared import Group, Setting

INTRO = """\
# Settings
<!-- Written by `manage.py settings_page` from the declarations in mt5monitor/settings. -->

Set them in the environment, in a file `.env` beside `manage.py`, or as in `make demo PORT=9000`.
The environment wins over the file. A process reads its settings when it starts.

- The file has one `NAME=value` on each line, in UTF-8 with or without a byte-order mark, or in
  UTF-16 with one. A comment stands on a line of its own.
- An empty value means the default.
- A line or a value that is not understood, or a misspelt name of a setting, stops the start with a
  sentence about it. Other names that are not settings are listed at the start, and ignored.
- A value that begins with `$` names another variable.
- Numbers are 0 or more. Entries of a list are separated by commas. On is `1`, `on`, `yes` or
  `true`; off is `0`, `off`, `no` or `false`.

`make` also takes `PYTHON=python3.12`: the Python with which it makes `.venv`, at first.
"""
HEAD = "| setting | accepts | default | meaning |\n| --- | --- | --- | --- |"


def page(settings: Collection[Setting]) -> str:
    """Return the page in Markdown: a table for each group, in it the settings as declared."""
    return "\n".join([INTRO, *(_section(group, settings) for group in Group)])


def _section(group: Group, settings: Collection[Setting]) -> str:
    rows = "\n".join(_rows(group, settings))
    return f"## {group}\n{HEAD}\n{rows}\n"


def _rows(group: Group, settings: Collection[Setting]) -> Iterator[str]:
    for setting in settings:
        if setting.group is group:
            cells = (f"`{setting.name}`", setting.accepts, setting.default, setting.help)
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
