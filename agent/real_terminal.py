"""The real terminal: the MetaTrader5 module, which exists on Windows only."""

import importlib
from collections.abc import Callable
from typing import Any, cast

from agent.errors import TerminalUnavailable
from agent.records import MetaTrader5


def connector(
    path: str | None = None, *, portable: bool = False, module: Any = None
) -> Callable[[], MetaTrader5]:
    """Imports the module now and gives a function that connects it, to be called in its thread.

    `module` takes the place of the real one in tests. `path` is that of the terminal's program;
    a `portable` terminal, one started with /portable, keeps its data beside that program.
    """
    real = importlib.import_module("MetaTrader5") if module is None else module

    def connect() -> MetaTrader5:
        terminal = RealTerminal(real, path, portable=portable)
        if not terminal.initialize():
            code, text = real.last_error()
            raise TerminalUnavailable(f"{text} ({code})")
        return cast(MetaTrader5, terminal)

    return connect


class RealTerminal:
    """The module itself, but for `initialize`, which remembers which terminal is meant."""

    def __init__(self, module: Any, path: str | None, *, portable: bool = False) -> None:
        self._module = module
        self._path = path
        # Not given at all unless it is asked for: a module of another version may not know it.
        self._how = {"portable": True} if portable else {}

    def initialize(self) -> bool:
        """Starts the terminal if it is not running; may take as long as the terminal does."""
        start = self._module.initialize
        return bool(start(self._path, **self._how) if self._path else start(**self._how))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)
