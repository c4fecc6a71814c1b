"""One process of the stack without a supervisor, as a line of the Procfile starts it.

It becomes the program that `make run` starts, with the same command line and environment. The
program that runs the Procfile starts it again when it ends.
"""

import os
import subprocess
from typing import NoReturn

from mt5monitor.stack import programs, valkey
from mt5monitor.stack.child import KILLED, Program, how_it_ended
from mt5monitor.stack.environment import (
    BASE_DIR,
    Environment,
    Site,
    check_plain_http,
    check_port,
    check_state_dir,
)
from mt5monitor.stack.output import complain, say
from mt5monitor.stack.refused import Refused

PREPARE = "prepare"


def names() -> list[str]:
    return [*programs.NAMES, PREPARE]


def run(name: str, environment: Environment, site: Site) -> None:
    """Prepare, or become the program. Raises Refused when it cannot run."""
    if name == PREPARE:
        return _prepare(environment)
    serving = {program.name: program for program in programs.serving(environment, site)}
    if name == "web":
        check_plain_http(environment, site.public_url)
        check_port(environment.bind, environment.port)
    elif name == "beat":
        check_state_dir(environment.state_dir)  # it keeps its schedule there
    if not valkey.answers(site.redis_url):
        where = site.shown_redis_url
        advice = " REDIS_URL is not set: set it, or start `make run`." if site.own_valkey else ""
        complain(f"{name}: no Redis or Valkey answers at {where} yet; it keeps trying.{advice}")
    _become(serving[name])


def _prepare(environment: Environment) -> None:
    """A deployment goes on after this, also while there is no user."""
    program = programs.prepare(demo=False)
    code = subprocess.run(program.argv, cwd=BASE_DIR, env=program.environ()).returncode  # noqa: S603
    if code == programs.NOBODY_CAN_SIGN_IN:
        say(environment.no_user_yet())
    elif code:
        why = KILLED if code < 0 else "The reason is in the lines above."
        raise Refused(f"{program.name} {how_it_ended(code)}. {why}")


def _become(program: Program) -> NoReturn:
    os.chdir(BASE_DIR)
    os.execve(program.argv[0], list(program.argv), program.environ())  # noqa: S606
