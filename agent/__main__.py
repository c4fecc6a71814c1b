"""One agent: `python -m agent --terminal metatrader5`."""

import argparse
import sys
import time
from pathlib import Path

from agent.agent import Agent
from agent.app import AgentApp
from agent.broker_clock import BrokerClock
from agent.real_terminal import connector
from agent.secret import read_or_make_secret
from agent.server import KEEP_ALIVE_SECONDS, serve
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.world import World
from agent.terminal import DirectTerminal, ThreadedTerminal


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    add = parser.add_argument
    add("--terminal", choices=("simulated", "metatrader5"), default="metatrader5")
    add("--terminal-path", help="terminal64.exe, when several terminals are installed")
    add("--port", type=int, default=8000, help="0 takes a free one (8000)")
    add("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    add("--contract", choices=("1", "2", "both"), default="2")
    add("--name", default="agent")
    add(
        "--secret-file",
        type=Path,
        default=Path("agent.secret"),
        help="secret of contract 2, made when missing (agent.secret)",
    )
    add("--seed", type=int, default=1, help="of the simulated terminal")
    add("--holder", help="the account's holder, for contract 1")
    add("--firm", help="the prop firm, for contract 1")
    add("--initial-balance", type=float, help="for contract 1")
    add(
        "--broker-utc-offset",
        type=int,
        metavar="SECONDS",
        help="broker time minus UTC; learned from moving prices when not given",
    )
    add("--deadline", type=float, default=8.0, help="seconds for one call to the terminal (8)")
    add(
        "--keep-alive",
        type=int,
        default=KEEP_ALIVE_SECONDS,
        help="seconds that an idle connection is kept (75)",
    )
    return parser.parse_args(arguments)  # fmt: skip


def build_agent(options: argparse.Namespace, secret: bytes | None) -> Agent:
    """The agent that the options describe; the real module is imported only for a real one."""
    if options.terminal == "simulated":
        return _simulated(options, secret)
    return Agent(
        name=options.name,
        terminal=ThreadedTerminal(connector(options.terminal_path), options.deadline),
        secret=secret,
        holder=options.holder,
        firm=options.firm,
        initial_balance=options.initial_balance,
        broker_clock=BrokerClock(options.broker_utc_offset),
    )


def _simulated(options: argparse.Namespace, secret: bytes | None) -> Agent:
    world = World(options.seed, 1, time.time)
    account = world.accounts[0]
    terminal = SimulatedTerminal(world, account)
    offset = options.broker_utc_offset
    return Agent(
        name=options.name,
        terminal=DirectTerminal(terminal),
        secret=secret,
        holder=options.holder or account.holder,
        firm=options.firm or account.firm.name,
        initial_balance=options.initial_balance or account.initial_balance,
        opened_on=terminal.opened_on,
        broker_clock=BrokerClock(account.firm.offset if offset is None else offset),
    )


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    secret = None
    if options.contract != "1":
        try:
            secret, made = read_or_make_secret(options.secret_file)
        except (OSError, ValueError) as error:
            sys.stderr.write(f"{options.secret_file}: {error}\n")
            return 1
        if made:
            sys.stdout.write(f"New secret in {options.secret_file.resolve()}\n")
    try:
        agent = build_agent(options, secret)
    except ImportError as error:
        sys.stderr.write(f"The MetaTrader5 package is needed for a real terminal: {error}\n")
        return 1
    serve(
        AgentApp(options.contract, agent),
        host=options.host,
        port=options.port,
        keep_alive=options.keep_alive,
        announcement=f"Agent {options.name}",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
