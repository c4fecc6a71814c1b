"""A second host for tests: reached, lost without a word, and found again."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.namespaces import Host, another_host
from tests.waiting import eventually

PORT = 7
ECHO = """
import socket, sys
with socket.create_server((sys.argv[1], int(sys.argv[2]))) as server:
    while True:
        peer, _ = server.accept()
        with peer:
            peer.sendall(peer.recv(9))
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with another_host() as made:
        made.start([sys.executable, "-c", ECHO, made.address, str(PORT)])
        assert eventually(lambda: echoed(made))
        yield made


def echoed(host: Host, seconds: float = 1.0) -> bool:
    try:
        with socket.create_connection((host.address, PORT), seconds) as connection:
            connection.sendall(b"word")
            return connection.recv(9) == b"word"
    except OSError:
        return False


def test_a_host_is_lost_without_a_word_and_found_again(host: Host) -> None:
    with socket.create_connection((host.address, PORT), 5) as connection:
        with host.lost():
            connection.settimeout(0.3)
            connection.sendall(b"word")  # taken: nothing says that it does not arrive
            with pytest.raises(TimeoutError):
                connection.recv(9)
            assert not echoed(host, 0.3)
        connection.settimeout(20)
        assert connection.recv(9) == b"word"  # the kernel sent it again
    assert echoed(host, 5)


def test_it_goes_with_all_that_runs_there() -> None:
    with another_host() as made:
        process = made.start(["sleep", "600"])
        device = Path("/sys/class/net") / made.near_end
        assert device.exists()
    assert process.poll() is not None
    assert not device.exists()


def test_a_machine_that_does_not_permit_it_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> "subprocess.Popen[bytes]":
        argv = ["sh", "-c", "echo unshare: Operation not permitted >&2; exit 1"]
        return popen(argv, stdin=-1, stdout=-1, stderr=-1)

    popen = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(pytest.skip.Exception, match="Operation not permitted"), another_host():
        pass
