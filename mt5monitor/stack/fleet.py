"""The demo's simulated agents: a port that stays theirs, and secrets made from a seed."""

import hashlib
import hmac
import json
import secrets
import socket
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from mt5monitor.stack.child import Program
from mt5monitor.stack.environment import Environment

HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Kept in STATE_DIR/fleet.json: agents' addresses are rows, so the port outlives a stop."""

    port: int
    secret_seed: str
    agents: int
    rows: int = 0  # agents that were given a row so far

    def url(self, index: int) -> str:
        return f"http://{HOST}:{self.port}/agents/{index}"

    def contract(self, index: int) -> str:
        return "1" if index % 2 else "2"

    def secret(self, index: int) -> str:
        """What agent `index` signs with; none for those of contract 1."""
        if self.contract(index) == "1":
            return ""
        message = f"agent-{index}".encode()
        return hmac.new(self.secret_seed.encode(), message, hashlib.sha256).hexdigest()


def read_fleet(state_dir: Path) -> Fleet | None:
    """The fleet of the last start; None when there was none."""
    try:
        return Fleet(**json.loads(_path(state_dir).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def keep_fleet(state_dir: Path, fleet: Fleet) -> None:
    path = _path(state_dir)
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(fleet)))
    draft.replace(path)


def _path(state_dir: Path) -> Path:
    return state_dir / "fleet.json"


def plan_fleet(environment: Environment) -> Fleet:
    """The fleet of this start: the last one's port while it is free, its secrets always."""
    fleet = read_fleet(environment.state_dir) or Fleet(free_port(), secrets.token_urlsafe(32), 0)
    port = fleet.port if _is_free(fleet.port) else free_port()
    fleet = replace(fleet, port=port, agents=environment.accounts)
    keep_fleet(environment.state_dir, fleet)
    return fleet


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def program(fleet: Fleet, seed: int, state_dir: Path) -> Program:
    """What was ordered outlives it, also when it is killed; another seed is another world."""
    kept = state_dir / "fleet" / f"seed-{seed}"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    argv = [sys.executable, "-m", "agent.fleet", "--host", HOST, "--port", str(fleet.port)]
    argv += ["--agents", str(fleet.agents), "--seed", str(seed), "--contract", "mixed"]
    argv += ["--journal-dir", str(kept), "--ledger", str(kept / "ledger.jsonl"), "--control"]
    # Not a word of the command line, which every user of the machine can read.
    return Program("fleet", argv, {"FLEET_SECRET_SEED": fleet.secret_seed}, stage=0)
