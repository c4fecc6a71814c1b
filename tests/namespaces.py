"""Other hosts for tests: network namespaces joined to this one by a cable that can fail.

A server in one, such as Valkey or PostgreSQL, can be lost as a host is whose switch failed: packets
vanish on the way, and nothing says so. Processes of the site can run there too.
"""

import contextlib
import ipaddress
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

NETWORK = ipaddress.ip_network("198.18.0.0/15")  # set aside for tests of networks: RFC 2544
LOST = "02:00:00:00:00:99"  # no card has this address: what is sent to it vanishes
TOOLS = ("ip", "unshare", "nsenter", "setpriv")
# What runs there ends with the thread that started it, also where that was killed.
END_TOO = ("setpriv", "--pdeathsig", "KILL")
ENDED_S = 10.0

_numbers = itertools.count()


class Unavailable(Exception):
    """This machine does not let us make a host; the text says why."""


class Host:
    """`address` is its own, `gateway` is ours as it sees us: no other host is reachable from it.

    It lasts until `close`, and no longer than this process. Raises Unavailable.
    """

    def __init__(self) -> None:
        self._started: list[subprocess.Popen[Any]] = []
        # Names of devices have 15 characters at most; other workers make hosts at the same time.
        self.near_end = f"t{os.getpid()}n{next(_numbers)}"
        # The namespace lives as long as a process in it, and this one ends with its pipe.
        self._holder = _hold()
        try:
            self.gateway, self.address = self._join()
        except Unavailable:
            self.close()
            raise

    def _join(self) -> tuple[str, str]:
        far = ("peer", "name", "eth0", "netns", str(self._holder.pid))
        _run("ip", "link", "add", self.near_end, "type", "veth", *far)
        _run("ip", "link", "set", self.near_end, "up")
        _run(*self._inside, "ip", "link", "set", "lo", "up")
        _run(*self._inside, "ip", "link", "set", "eth0", "up")
        # One that sends to an address not yet its own would wait for IPv6 to settle.
        near, there = self._addresses()
        _run("ip", "address", "add", f"{near}/30", "dev", self.near_end)
        _run(*self._inside, "ip", "address", "add", f"{there}/30", "dev", "eth0")
        return near, there

    def _addresses(self) -> tuple[str, str]:
        """Two that no other host of these tests has: they follow from the number of our device."""
        index = int(_run("cat", f"/sys/class/net/{self.near_end}/ifindex"))
        first = NETWORK[index * 4 % NETWORK.num_addresses]
        return str(first + 1), str(first + 2)

    @property
    def _inside(self) -> tuple[str, ...]:
        return ("nsenter", f"--net=/proc/{self._holder.pid}/ns/net")

    def start(self, argv: Sequence[str], **options: Any) -> subprocess.Popen[Any]:
        """Start a program there, in a session of its own, with Popen's `options`.

        `close` kills it with all that it started, if it still runs.
        """
        process = subprocess.Popen(
            [*self._inside, *END_TOO, *argv], start_new_session=True, **options
        )
        self._started.append(process)
        return process

    def lose(self) -> None:
        """Drop every packet from now on, both ways, without a word to either side."""
        _run("ip", *_neighbour("replace", self.address, self.near_end))
        _run(*self._inside, "ip", *_neighbour("replace", self.gateway, "eth0"))

    def find(self) -> None:
        """Undo `lose`: packets arrive again. Harmless when nothing was lost."""
        for where, address, device in (
            ((), self.address, self.near_end),
            (self._inside, self.gateway, "eth0"),
        ):
            with contextlib.suppress(Unavailable):  # it is not there
                _run(*where, "ip", "neighbour", "del", address, "dev", device)

    @contextlib.contextmanager
    def lost(self) -> Iterator[None]:
        """It is lost meanwhile, and found again whatever happens."""
        self.lose()
        try:
            yield
        finally:
            self.find()

    def close(self) -> None:
        for process in self._started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(ENDED_S)
        if self._holder.stdin is not None:
            self._holder.stdin.close()
        self._holder.wait(ENDED_S)
        # The kernel takes the cable away with the namespace, though not always at once.
        with contextlib.suppress(Unavailable):
            _run("ip", "link", "del", self.near_end)


@contextlib.contextmanager
def another_host() -> Iterator[Host]:
    """Make a host for as long as this is entered. Skips the test where that is not permitted."""
    try:
        host = Host()
    except Unavailable as error:
        pytest.skip(f"No second host on this machine: {error}")
    try:
        yield host
    finally:
        host.close()


def _hold() -> "subprocess.Popen[bytes]":
    """Begin a namespace. It is there once its process says so."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Unavailable(f"{', '.join(missing)} is not installed")
    argv = ["unshare", "--net", "sh", "-c", "echo ready; exec cat > /dev/null"]
    pipe = subprocess.PIPE
    holder = subprocess.Popen(argv, stdin=pipe, stdout=pipe, stderr=pipe)
    assert holder.stdout is not None
    assert holder.stderr is not None
    if not holder.stdout.readline():
        reason = holder.stderr.read().decode().strip()
        holder.communicate()
        raise Unavailable(reason or "unshare failed")
    holder.stdout.close()
    holder.stderr.close()
    return holder


def _neighbour(verb: str, address: str, device: str) -> list[str]:
    return ["neighbour", verb, address, "lladdr", LOST, "dev", device, "nud", "permanent"]


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Unavailable(f"{' '.join(argv)}: {done.stderr.strip() or done.returncode}")
    return done.stdout
