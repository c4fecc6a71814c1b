"""The processes that are ours: their names and command lines, under `make run` and a Procfile."""

import sys

from mt5monitor.stack.child import Program
from mt5monitor.stack.environment import Environment, Site

# Highest ends first: nothing is sent after beat, and Valkey outlives all who talk to it.
WEB, WORKER, BEAT = 2, 2, 3
# Which worker serves which queue of settings.CELERY_TASK_ROUTES, and with how many threads.
WORKERS = {"celery": ("worker", 16), "unreachable": ("worker-unreachable", 4)}
NAMES = ("web", *(name for name, _ in WORKERS.values()), "beat")

NOBODY_CAN_SIGN_IN = 3  # how prepare ends when all is well but there is no user yet


def serving(environment: Environment, site: Site) -> list[Program]:
    """Return the processes that run for as long as the site does, in the order of their start."""
    workers = [worker(queue) for queue in WORKERS]
    return [*workers, beat(environment), web(environment, site)]


def worker(queue: str) -> Program:
    name, threads = WORKERS[queue]
    argv = [sys.executable, "-m", "celery", "-A", "mt5monitor", "worker"]
    argv += ["--pool", "threads", "--concurrency", str(threads), "--prefetch-multiplier", "1"]
    argv += ["-Q", queue, "-n", f"{name}@%h", "--without-gossip", "--without-mingle"]
    return Program(name, [*argv, "--loglevel", "INFO"], stage=WORKER)


def beat(environment: Environment) -> Program:
    """Its schedule file is its own and is thrown away at every start: an old one may be broken."""
    schedule = str(environment.state_dir / "celerybeat-schedule")
    argv = [sys.executable, "-m", "celery", "-A", "mt5monitor", "beat"]
    # Left to itself it sleeps for up to five minutes when the broker was away at the wrong moment.
    argv += ["--schedule", schedule, "--max-interval", "5", "--loglevel", "INFO"]
    return Program("beat", argv, stage=BEAT)


def web(environment: Environment, site: Site) -> Program:
    argv = [sys.executable, "-m", "mt5monitor.web"]
    argv += ["-b", environment.bind, "-p", str(environment.port)]
    argv += ["--ping-interval", "20", "--ping-timeout", "30", "--no-server-name"]
    if site.behind_tls:
        argv.append("--proxy-headers")
    return Program("web", [*argv, "mt5monitor.asgi:application"], stage=WEB)


def prepare(*, demo: bool) -> Program:
    argv = [sys.executable, "-m", "mt5monitor.stack.prepare"]
    return Program("prepare", [*argv, "--demo"] if demo else argv)


def dress(since: float) -> Program:
    argv = [sys.executable, "-m", "mt5monitor.stack.prepare", "--dress", str(since)]
    return Program("demo", argv)
