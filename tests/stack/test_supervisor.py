"""What ends a start, and what does not."""

import socket
from pathlib import Path

import pytest

from mt5monitor.stack.environment import Environment, Site
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


def test_a_port_that_was_taken_meanwhile_ends_the_start(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(Refused, match=f"Cannot listen on 127.0.0.1 port {port}: address"):
            supervisor(tmp_path, port)._complain_of_pages()
