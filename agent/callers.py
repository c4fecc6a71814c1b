"""Who may call an agent that has no signatures: the monitor and scripts, never a page of the web.

A browser on the same network reaches the agent as well, and any page that is open in it can have it
send a form there, or give its own name the agent's address and then read the answers.
"""

import socket
from collections.abc import Collection
from ipaddress import ip_address

from starlette.types import Scope

PAGE = "Pages of the web cannot use this agent"


def why_refused(scope: Scope, names: Collection[str] = ()) -> str:
    """Return why the caller of this request is refused, as a sentence; empty for others.

    `names`: those of this machine, beside its addresses and names without a dot.
    """
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    # A browser sends these with whatever a page has it send; "none" is an address typed by hand.
    if b"origin" in headers or headers.get(b"sec-fetch-site", "none") != "none":
        return PAGE
    host = _name(headers.get(b"host", ""))
    if _is_ours(host, names):
        return ""
    return f"{host[:80]!a} is not a name of this agent: start it with --host-name to allow it"


def _name(host: str) -> str:
    """Without its port."""
    name = host[: host.rfind("]") + 1] if host.startswith("[") else host.partition(":")[0]
    return name.strip("[]").rstrip(".").lower()


def _is_ours(name: str, names: Collection[str]) -> bool:
    """Somebody else's page may have any name that the internet knows: those have a dot. What names
    nothing is no browser."""
    if name in {"", socket.gethostname().lower(), *names}:
        return True
    try:
        ip_address(name)
    except ValueError:
        return "." not in name
    return True
