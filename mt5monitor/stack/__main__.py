"""`python -m mt5monitor.stack demo|run`, or one process of it, as lines of the Procfile are."""

import argparse
import os
import sys
from pathlib import Path

from mt5monitor.stack import alone
from mt5monitor.stack.environment import (
    Environment,
    Site,
    check_plain_http,
    check_port,
    check_state_dir,
    read_environment,
    read_site,
)
from mt5monitor.stack.lock import take_lock
from mt5monitor.stack.output import complain, say
from mt5monitor.stack.refused import Refused
from mt5monitor.stack.supervisor import Supervisor
from mt5monitor.stack.valkey import binary

# manage.py reads this file too, so that its commands may reach the demo's agents; see
# settings/environment.py.
DEMO_SETTINGS = (
    "# Written by the demo, whose agents listen on loopback and trade no money.\n"
    "AGENT_ALLOWED_NETWORKS={}\nTRADING_ENABLED={}\nVERSUS_ENABLED={}\nMFA_REQUIRED={}\n"
)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m mt5monitor.stack", description=__doc__)
    parser.add_argument("what", choices=["demo", "run", *alone.names()])
    parser.add_argument("--with-parent", action="store_true", help="end when the parent ends")
    return parser.parse_args()


def start(*, demo: bool, parent: int) -> None:
    """Runs until asked to end. Raises Refused."""
    environment = read_environment()
    check_state_dir(environment.state_dir)
    lock = take_lock(environment.state_dir)
    check_port(environment.bind, environment.port)
    site = read_settings(environment, demo=demo)
    check_plain_http(environment, site.public_url)
    if site.own_valkey:
        binary()
    Supervisor(environment, site, lock, demo=demo, parent=parent).run()


def start_alone(name: str) -> None:
    """Runs the process of this name, with what start() would give it. Raises Refused."""
    environment = read_environment()
    alone.run(name, environment, read_settings(environment, demo=False))


def read_settings(environment: Environment, *, demo: bool) -> Site:
    """The settings by which all processes go, which find them in their environment."""
    os.environ["STATE_DIR"] = str(environment.state_dir)
    if demo:
        _allow_demo(environment.state_dir)
    else:
        _note_demo(environment.state_dir)
    site = read_site()
    if site.unknown_names:
        listed = ", ".join(site.unknown_names)
        say(f"Note: .env sets what is not a setting: {listed}. See docs/operations/settings.md.")
    return site


def _allow_demo(state_dir: Path) -> None:
    networks = os.environ.get("AGENT_ALLOWED_NETWORKS") or "127.0.0.0/8"
    os.environ["AGENT_ALLOWED_NETWORKS"] = networks
    trading = os.environ.setdefault("TRADING_ENABLED", "1")
    versus = os.environ.setdefault("VERSUS_ENABLED", "1")
    second_factor = os.environ.setdefault("MFA_REQUIRED", "0")
    allowed = DEMO_SETTINGS.format(networks, trading, versus, second_factor)
    (state_dir / "demo.env").write_text(allowed)


def _note_demo(state_dir: Path) -> None:
    """A desk's stack does not take over what was allowed for the demo."""
    os.environ.setdefault("AGENT_ALLOWED_NETWORKS", "")
    os.environ.setdefault("TRADING_ENABLED", "0")
    os.environ.setdefault("VERSUS_ENABLED", "0")
    os.environ.setdefault("MFA_REQUIRED", "1")
    if (state_dir / "fleet.json").exists():
        say(f"Note: {state_dir} holds the demo's user and agents. A desk wants another STATE_DIR.")


def main() -> int:
    options = parse()
    try:
        if options.what in alone.names():
            start_alone(options.what)
        else:
            start(demo=options.what == "demo", parent=os.getppid() if options.with_parent else 0)
    except Refused as error:
        complain(f"{error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
