"""One agent: `python -m agent --terminal metatrader5`."""

import argparse
import asyncio
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from agent.agent import ORDER_DEADLINE, Agent
from agent.app import AgentApp
from agent.broker_clock import BrokerClock
from agent.orders.desk import OrderDesk
from agent.orders.journal import Journal, JournalError
from agent.real_terminal import connector
from agent.secret import read_or_make_secret
from agent.server import KEEP_ALIVE_SECONDS, serve
from agent.simulated.ledger import Ledger
from agent.simulated.terminal import SimulatedTerminal
from agent.simulated.trade_faults import TradeFaults
from agent.simulated.world import World
from agent.terminal import DirectTerminal, Terminal, ThreadedTerminal
from agent.zones import Zone, named

# An order that is being sent when the agent is stopped gets this long to write its result down.
LAST_ORDER_SECONDS = 3.0


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m agent", description=__doc__)
    add = parser.add_argument
    add("--terminal", choices=("simulated", "metatrader5"), default="metatrader5")
    add("--terminal-path", help="terminal64.exe, when several terminals are installed")
    add(
        "--portable",
        action="store_true",
        help="the terminal is started with /portable; needs --terminal-path",
    )
    add("--port", type=int, default=8000, help="0 takes a free one (8000)")
    add("--host", default="127.0.0.1", help="the address to listen on (127.0.0.1)")
    add(
        "--host-name",
        action="append",
        default=[],
        metavar="NAME",
        help="a name with a dot by which contract 1 is called, such as vps3.example.com; may be "
        "given several times (addresses and short names need none)",
    )
    add("--contract", choices=("1", "2", "both"), default="2")
    add("--name", default="agent")
    add(
        "--secret-file",
        type=Path,
        default=Path("agent.secret"),
        help="secret of contract 2, made when missing (agent.secret)",
    )
    add("--deadline", type=float, default=8.0, help="seconds for one call to the terminal (8)")
    add(
        "--keep-alive",
        type=int,
        default=KEEP_ALIVE_SECONDS,
        help="seconds that an idle connection is kept (75)",
    )
    _add_account(parser)
    _add_trading(parser)
    options = parser.parse_args(arguments)
    if options.portable and not options.terminal_path:
        parser.error("--portable needs --terminal-path: the path is what a portable terminal is")
    return options


def _add_account(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("the account and its broker's clock").add_argument
    add("--seed", type=int, default=1, help="of the simulated terminal")
    add("--holder", help="the account's holder, for contract 1")
    add("--firm", help="the prop firm, for contract 1")
    add("--initial-balance", type=float, help="for contract 1")
    add(
        "--broker-utc-offset",
        type=int,
        metavar="SECONDS",
        help="broker time minus UTC, the same all year; learned from prices when not given",
    )
    add(
        "--broker-time-zone",
        type=named,
        metavar="ZONE",
        help="of the broker's clock, instead: Europe/Athens and the like, or new-york-close, which "
        "is UTC+2, and UTC+3 in the summer of New York",
    )


def _add_trading(parser: argparse.ArgumentParser) -> None:
    trading = parser.add_argument_group("trading").add_argument
    trading(
        "--journal",
        type=Path,
        metavar="FILE",
        help="of the orders of contract 2, made when missing (beside the secret, .journal)",
    )
    trading(
        "--order-deadline",
        type=float,
        default=ORDER_DEADLINE,
        metavar="SECONDS",
        help="how long an order is waited for before it is reported as still executing (25)",
    )
    trading(
        "--trade-over-v1",
        action="store_true",
        help="let contract 1, which has no signatures, trade too: anybody who reaches the port may",
    )
    simulated = parser.add_argument_group("trading on a simulated terminal").add_argument
    simulated("--trade-fault-rate", type=float, default=0.0, help="share of orders that go wrong")
    simulated(
        "--ledger",
        type=Path,
        metavar="FILE",
        help="what the venue was sent and executed; with it, positions outlive the process",
    )
    simulated(
        "--trade-pause",
        choices=("before", "after"),
        help="stop for ever right before, or right after, the first order is executed",
    )


def given_clock(options: argparse.Namespace) -> int | Zone | None:
    """What the options say of the broker's clock; None: nothing. The zone wins."""
    zone: Zone | None = options.broker_time_zone
    offset: int | None = options.broker_utc_offset
    return offset if zone is None else zone


def build_agent(
    options: argparse.Namespace, secret: bytes | None, journal: Journal | None = None
) -> Agent:
    """The agent that the options describe; the real module is imported only for a real one."""
    if options.terminal == "simulated":
        return _simulated(options, secret, journal)
    connect = connector(options.terminal_path, portable=options.portable)
    return Agent(
        name=options.name,
        terminal=ThreadedTerminal(connect, options.deadline),
        secret=secret,
        holder=options.holder,
        firm=options.firm,
        initial_balance=options.initial_balance,
        broker_clock=BrokerClock(given_clock(options)),
        journal=journal,
        order_deadline=options.order_deadline,
        trades_over_v1=options.trade_over_v1,
    )


def _simulated(options: argparse.Namespace, secret: bytes | None, journal: Journal | None) -> Agent:
    world = World(options.seed, 1, time.time, Ledger(options.ledger))
    account = world.accounts[0]
    faults = TradeFaults(options.seed, account.index, options.trade_fault_rate)
    terminal = SimulatedTerminal(world, account, faults)
    offset = given_clock(options)
    called: Terminal = DirectTerminal(terminal)
    if options.trade_pause:
        terminal.broker.pause = _pause_at(options.trade_pause)
        called = ThreadedTerminal(lambda: terminal, options.deadline)
    return Agent(
        name=options.name,
        terminal=called,
        secret=secret,
        holder=options.holder or account.holder,
        firm=options.firm or account.firm.name,
        initial_balance=options.initial_balance or account.initial_balance,
        opened_on=terminal.opened_on,
        broker_clock=BrokerClock(account.firm.offset if offset is None else offset),
        journal=journal,
        order_deadline=options.order_deadline,
        trades_over_v1=options.trade_over_v1,
    )


def _pause_at(wanted: str) -> Callable[[str], None]:
    """Blocks the terminal's thread for ever, as a terminal that hangs does, and says so."""

    def pause(moment: str) -> None:
        if moment == wanted:
            sys.stdout.write(f"Paused {moment} the execution\n")
            sys.stdout.flush()
            threading.Event().wait()

    return pause


def main(arguments: list[str] | None = None) -> int:
    options = parse(arguments)
    secret = journal = None
    if options.contract != "1":
        try:
            secret = _secret(options.secret_file)
            journal = _journal(options.journal or options.secret_file.with_suffix(".journal"))
        except Unusable as error:
            sys.stderr.write(f"{error}\n")
            return 1
    try:
        agent = build_agent(options, secret, journal)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{options.ledger}: {error}\n")
        return 1
    except ImportError as error:
        sys.stderr.write(f"The MetaTrader5 package is needed for a real terminal: {error}\n")
        return 1
    if agent.desk is not None:
        _recover(agent.desk)
    serve(
        AgentApp(options.contract, agent, options.host_name),
        host=options.host,
        port=options.port,
        keep_alive=options.keep_alive,
        announcement=f"Agent {options.name}",
        ended=lambda: _await_last(agent),
    )
    return 0


def _await_last(agent: Agent) -> None:
    if agent.desk is not None:
        agent.desk.await_last(LAST_ORDER_SECONDS)


class Unusable(Exception):
    """A file that the agent cannot start without; the text names it and says why."""


def _secret(path: Path) -> bytes:
    try:
        secret, made = read_or_make_secret(path)
    except (OSError, ValueError) as error:
        raise Unusable(f"{path}: {error}") from error
    if made:
        sys.stdout.write(f"New secret in {path.resolve()}\n")
    return secret


def _journal(path: Path) -> Journal:
    try:
        journal = Journal(path, int(time.time() * 1000))
    except JournalError as error:
        raise Unusable(f"{path}: {error}") from error
    if journal.made:
        sys.stdout.write(f"New journal of orders in {path.resolve()}\n")
    return journal


def _recover(desk: OrderDesk) -> None:
    """What became of orders that an earlier process sent and had no result of.

    A terminal that does not answer yet is no reason not to start: they are searched for again when
    somebody asks about them.
    """
    count = asyncio.run(desk.recover())
    if count:
        sys.stdout.write(f"Orders without a known end that were searched for: {count}\n")


if __name__ == "__main__":
    sys.exit(main())
