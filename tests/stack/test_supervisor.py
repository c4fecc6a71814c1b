"""What ends a start, and what does not."""

import socket
import time
from pathlib import Path

import pytest

from mt5monitor.pulse import QUEUES
from mt5monitor.stack import pulses
from mt5monitor.stack.environment import Environment, Site
from mt5monitor.stack.pulses import SILENT_AFTER_S
from mt5monitor.stack.refused import Refused
from mt5monitor.stack.supervisor import Supervisor
from tests.stack.stack import free_port


def supervisor(state_dir: Path, port: int) -> Supervisor:
    environment = Environment(state_dir, port, "127.0.0.1", 1, 1, False)
    site = Site(f"http://127.0.0.1:{port}", "redis://", False, state_dir / "x", False)
    return Supervisor(environment, site, 0, demo=False)


def test_pages_that_do_not_answer_end_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The workers, which reconcile orders, do not need them."""
    supervisor(tmp_path, free_port())._complain_of_pages()
    assert capsys.readouterr().err == (
        "web: no page answers after 90 s, the other processes run; "
        f"see {tmp_path / 'log' / 'web.log'}\n"
    )


def test_workers_have_their_time_though_the_migrations_before_took_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    supervised = supervisor(tmp_path, free_port())
    supervised.pulses.reset(time.monotonic() - 2 * SILENT_AFTER_S)
    for name in ("_start_valkey", "_complain_of_pages"):
        monkeypatch.setattr(supervised, name, lambda: None)
    monkeypatch.setattr(supervised, "_run_once", lambda *_: 0)
    monkeypatch.setattr(supervised, "_wait", lambda *_: False)
    monkeypatch.setattr(supervised.children, "start", lambda _: None)
    monkeypatch.setattr(pulses, "last_pulses", lambda _: dict.fromkeys(QUEUES, 0.0))
    supervised._start()
    assert supervised.pulses.silent(time.monotonic()) == []


def test_a_port_that_was_taken_meanwhile_ends_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refused, match=f"Cannot listen on 127.0.0.1 port {port}: address"):
            supervisor(tmp_path, port)._complain_of_pages()
