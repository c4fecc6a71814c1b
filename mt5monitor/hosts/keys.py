"""Keys that all hosts of a site share, compared without showing them to the database.

A host knows several keys under one setting, the newest first: the first signs or encrypts, all of
them read. Two hosts understand each other when each one's first key is among the other's.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence

from django.conf import settings

from mt5monitor.hosts.models import LIVE, Host
from mt5monitor.hosts.unfit import Unfit

Fingerprints = Mapping[str, Sequence[str]]

LENGTH = 12  # hexadecimal digits: enough to tell two keys apart, too few to be one
# Where an older key goes, so that it is still read.
OLDER = {
    "SECRET_KEY": "SECRET_KEY_FALLBACKS",
    "AGENT_SECRETS_KEYS": "the end of AGENT_SECRETS_KEYS",
}
PAGE = "see docs/operations/hosts.md"


def own() -> dict[str, list[str]]:
    """Return the fingerprints of this process's keys. INSTANCE_ID counts where orders may leave."""
    keys: dict[str, list[str]] = {
        "SECRET_KEY": [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS],
        "AGENT_SECRETS_KEYS": list(settings.AGENT_SECRETS_KEYS),
    }
    if settings.TRADING_ENABLED:
        keys["INSTANCE_ID"] = [settings.INSTANCE_ID]
    return {name: [fingerprint(name, key) for key in known] for name, known in keys.items()}


def fingerprint(name: str, key: str) -> str:
    label = f"mt5monitor fingerprint of {name}".encode()
    return hmac.new(key.encode(), label, hashlib.sha256).hexdigest()[:LENGTH]


def unlike(mine: Fingerprints, theirs: Fingerprints) -> str:
    """Return the first setting in which two running hosts differ; empty when in none."""
    for name in mine.keys() & theirs.keys():
        if mine[name][0] not in theirs[name] or theirs[name][0] not in mine[name]:
            return name
    return ""


def lost(mine: Fingerprints, before: Fingerprints) -> str:
    """Return the first setting whose key, used until now, this host does not know; empty when all
    are known. INSTANCE_ID may be another one: then trading is off."""
    for name in (mine.keys() & before.keys()) - {"INSTANCE_ID"}:
        if before[name][0] not in mine[name]:
            return name
    return ""


def refusal(mine: Fingerprints, me: str) -> str:
    """Return why a host with these keys cannot take part, in one sentence; empty when it can.

    `me` is the id of its row: what it used itself before is no other host's.
    """
    others = list(Host.objects.live().exclude(pk=me).order_by("name"))
    for other in others:
        if name := unlike(mine, other.keys):
            return (
                f"{name} of this host differs from the one of host {other}, which uses the same "
                f"database: set the same on both, or end that host; {PAGE}."
            )
    if others:
        return ""
    last = Host.objects.exclude(keys={}).order_by("-seen_at").first()
    if last is None or not (name := lost(mine, last.keys)):
        return ""
    return (
        f"{name} is not the one that this site has used until now: restore it, add the old one to "
        f"{OLDER[name]}, or accept the new one with `manage.py accept_keys`; {PAGE}."
    )


def check(me: str) -> None:
    """Raise Unfit for keys that other hosts, or what is stored, do not go with."""
    if why := refusal(own(), me):
        raise Unfit(why)


def accept() -> list[str]:
    """Forget the keys of hosts that have ended; return their names. Raise Unfit while a host runs
    that has others."""
    mine = own()
    for other in Host.objects.live():
        if name := unlike(mine, other.keys):
            ago = f"{LIVE.total_seconds():.0f} seconds"
            raise Unfit(
                f"Host {other} used another {name} less than {ago} ago. "
                f"End its processes, wait {ago}, then try again."
            )
    return _forget(Host.objects.exclude(keys={}), mine)


def _forget(hosts: Iterable[Host], mine: Fingerprints) -> list[str]:
    unknown = [host for host in hosts if lost(mine, host.keys)]
    Host.objects.filter(pk__in=[host.pk for host in unknown]).update(keys={})
    return sorted(host.name for host in unknown)
